/// How near translations are to references: BLEU and chrF, and how many are the same.
public struct TranslationScore: Sendable, Equatable {
    /// BLEU, whose `score` is from 0 to 100.
    public private(set) var bleu = BLEU()
    /// chrF, whose `score` is from 0 to 100.
    public private(set) var chrF = ChrF()
    /// The number of texts.
    public private(set) var count = 0
    /// The number of translations that are their references, byte for byte.
    public private(set) var exactMatches = 0

    /// The score of no texts.
    public init() {}

    /// The score of some translations.
    /// - Parameters:
    ///   - hypotheses: the translations.
    ///   - references: the reference of each.
    public init(hypotheses: some Collection<String>, references: some Collection<String>) {
        precondition(hypotheses.count == references.count, "there is a reference for each translation")
        for (hypothesis, reference) in zip(hypotheses, references) { add(hypothesis: hypothesis, reference: reference) }
    }

    /// Counts another translation.
    public mutating func add(hypothesis: String, reference: String) {
        bleu.add(hypothesis: hypothesis, reference: reference)
        chrF.add(hypothesis: hypothesis, reference: reference)
        count += 1
        if hypothesis.utf8.elementsEqual(reference.utf8) { exactMatches += 1 }
    }

    /// The share of translations that are their references; 0 if there are none.
    public var exactMatch: Double { count == 0 ? 0 : Double(exactMatches) / Double(count) }

    /// The 95% confidence interval of that share (`ConfidenceInterval.wilson`).
    public var exactMatchInterval: ClosedRange<Double> { ConfidenceInterval.wilson(exactMatches, of: count) }
}
