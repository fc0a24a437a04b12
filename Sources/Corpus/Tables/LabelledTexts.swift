import Files

/// Texts with labels, from which a classifier learns: reviews and whether they are positive, questions and what they ask for.
///
/// A label is a word, and the number of a label is its position in `labels`. An example may have a second text, for tasks
/// about two sentences (does one follow from the other?).
public struct LabelledTexts: Sendable {
    /// A text and the number of its label.
    public struct Example: Sendable, Equatable {
        public let text: String
        /// The second text of an example of two; else nil.
        public let pair: String?
        /// The position of the label in `labels`.
        public let label: Int
    }

    /// The name in messages.
    public let name: String
    /// The labels, each once. Whole numbers are in the order of their values, other words in the order of their characters.
    public let labels: [String]
    /// The examples, in the order of the file.
    public let examples: [Example]
    /// The SHA-256 of the text that they were read from.
    package let sha256: String

    /// The number of examples of each label.
    public var counts: [Int] {
        examples.reduce(into: [Int](repeating: 0, count: labels.count)) { $0[$1.label] += 1 }
    }

    private init(name: String, labels: [String], examples: [Example], sha256: String) {
        self.name = name
        self.labels = labels
        self.examples = examples
        self.sha256 = sha256
    }

    /// Splits the examples into a part to train with and one to validate with, in which the labels are as frequent as in the
    /// whole (stratified).
    ///
    /// Of a label with n examples, n times `fraction` are for validation, rounded, but at least one and not all. Examples of a
    /// label with the same text are in the same part, so a label with one text only is in the training part, and where texts
    /// occur often fewer may be for validation. Which ones they are is a function of the examples and the seed. Both parts
    /// have all labels in `labels`, and keep the order of the file.
    ///
    /// - Parameters:
    ///   - fraction: the share for validation, from 0 to 1; 0 leaves that part empty.
    ///   - seed: what decides which examples these are.
    public func split(validation fraction: Double, seed: UInt64) -> (training: LabelledTexts, validation: LabelledTexts)
    {
        precondition((0...1).contains(fraction), "a share is from 0 to 1")
        var random = SplitMix64(seed: seed, purpose: 0x4C41_4245_4C53)
        var members = [[Int]](repeating: [], count: labels.count)
        for (index, example) in examples.enumerated() { members[example.label].append(index) }
        var isValidation = [Bool](repeating: false, count: examples.count)
        for indices in members {
            let texts = indices.map { [examples[$0].text, examples[$0].pair ?? ""] }
            for row in ValidationChoice.rows(texts, fraction: fraction, using: &random) {
                isValidation[indices[row]] = true
            }
        }
        func part(_ kind: Bool) -> LabelledTexts {
            let chosen = zip(examples, isValidation).filter { $0.1 == kind }.map(\.0)
            return LabelledTexts(name: name, labels: labels, examples: chosen, sha256: sha256)
        }
        return (part(false), part(true))
    }
}

extension LabelledTexts {
    /// Collects examples whose labels are words.
    struct Builder {
        let name: String
        /// The labels that a model has; nil if the examples define them.
        let known: [String]?
        private var numbers: [String: Int] = [:]
        private var words: [String] = []
        private var examples: [Example] = []

        init(name: String, known: [String]?) {
            self.name = name
            self.known = known
            for label in known ?? [] { _ = number(of: label) }
        }

        private mutating func number(of label: String) -> Int {
            if let number = numbers[label] { return number }
            numbers[label] = words.count
            words.append(label)
            return words.count - 1
        }

        mutating func append(_ text: String, pair: String? = nil, label: String) throws(UnknownLabel) {
            if known != nil, numbers[label] == nil { throw UnknownLabel() }
            examples.append(Example(text: text, pair: pair, label: number(of: label)))
        }

        struct UnknownLabel: Error {}

        /// - Throws: if there are no examples, or no two labels.
        consuming func finish(sha256: String) throws(CorpusError) -> LabelledTexts {
            guard !examples.isEmpty else { throw CorpusError("\(shown(path: name)): it has no rows with texts") }
            if let known { return LabelledTexts(name: name, labels: known, examples: examples, sha256: sha256) }
            guard words.count > 1 else {
                throw CorpusError(
                    "\(shown(path: name)): every row has the label \(shown(words[0])); give rows of two labels or more")
            }
            guard words.count <= 100 || words.count <= examples.count / 2 else {
                throw CorpusError(
                    "\(shown(path: name)): its \(examples.count) rows have \(words.count) different labels, such as "
                        + "\(shown(words[0])); name the column of the labels")
            }
            let order = Self.inOrder(words)
            var positions = [Int](repeating: 0, count: words.count)
            for (position, number) in order.enumerated() { positions[number] = position }
            return LabelledTexts(
                name: name, labels: order.map { words[$0] },
                examples: examples.map { Example(text: $0.text, pair: $0.pair, label: positions[$0.label]) },
                sha256: sha256)
        }

        /// The numbers of the words, in the order that labels have.
        private static func inOrder(_ words: [String]) -> [Int] {
            let values = words.compactMap { Int($0) }
            if values.count == words.count { return words.indices.sorted { (values[$0], $0) < (values[$1], $1) } }
            return words.indices.sorted { words[$0].unicodeScalars.lexicographicallyPrecedes(words[$1].unicodeScalars) }
        }
    }

    /// Examples from a program rather than a file.
    /// - Parameters:
    ///   - name: the name in messages.
    ///   - examples: texts and labels.
    ///   - labels: the labels that a model has, in its order; nil if the examples define them.
    /// - Throws: if there are no examples, if they have no two labels, or if a label is not one of `labels`.
    public init(
        name: String, _ examples: [(text: String, label: String)], labels: [String]? = nil
    ) throws(CorpusError) {
        var builder = Builder(name: name, known: labels)
        let hash = SHA256.hexDigest(of: examples.map { "\($0.label)\t\($0.text)\n" }.joined().utf8)
        for example in examples {
            do { try builder.append(example.text, label: example.label) } catch {
                throw CorpusError(
                    "\(shown(path: name)): the label \(shown(example.label)) is none of \(shown(labels ?? []))")
            }
        }
        self = try builder.finish(sha256: hash)
    }
}
