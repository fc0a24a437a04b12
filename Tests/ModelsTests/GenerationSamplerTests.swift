import Models
import Platform
import Tensors
import Testing

@Suite struct GenerationSamplerTests {
    /// The definition in so many words: sort everything, then cut.
    private func reference(
        _ logits: [Float], _ settings: GenerationSettings, isInText: [Bool], banned: Set<Int32>, uniform: Double
    ) -> Int32? {
        var scores = logits.enumerated().map { (id: Int32($0.offset), x: Double($0.element)) }
        scores.removeAll { banned.contains($0.id) || $0.x.isNaN || $0.x == -.infinity }
        if scores.isEmpty { return nil }
        let penalty = Float(settings.repetitionPenalty)
        for i in scores.indices where isInText[Int(scores[i].id)] {
            let x = Float(scores[i].x)
            scores[i].x = Double(x > 0 ? x / penalty : x * penalty)
        }
        let sorted = scores.sorted { ($0.x, -$0.id) > ($1.x, -$1.id) }
        if settings.temperature == 0 { return sorted[0].id }
        let weight = { (x: Double) in exp((x - sorted[0].x) / settings.temperature) }
        var kept = sorted
        if let k = settings.topK { kept = Array(kept.prefix(k)) }
        if settings.topP < 1 {
            let total = kept.reduce(0) { $0 + weight($1.x) }
            var sum = 0.0
            kept = kept.filter { candidate in
                defer { sum += weight(candidate.x) }
                return sum < settings.topP * total
            }
        } else if settings.topK == nil || settings.topK.map({ $0 >= scores.count }) == true {
            kept = scores
        }
        kept.removeAll { weight($0.x) < settings.minP }
        var point = uniform * kept.reduce(0) { $0 + weight($1.x) }
        for candidate in kept {
            point -= weight(candidate.x)
            if point < 0 { return candidate.id }
        }
        return sorted[0].id
    }

    private func sample(
        _ logits: [Float], _ settings: GenerationSettings, isInText: [Bool]? = nil, banned: [Int32] = [],
        key: UInt64 = 0
    ) -> Int32? {
        var sampler = Sampler(settings, vocabularySize: logits.count, banned: banned)
        var random = Philox(key)
        return sampler.next(
            logits.span, isInText: isInText ?? [Bool](repeating: false, count: logits.count), random: &random)
    }

    @Test(arguments: [
        GenerationSettings(temperature: 1), GenerationSettings(temperature: 0.3), GenerationSettings(temperature: 3),
        .greedy, GenerationSettings(topK: 1), GenerationSettings(topK: 7), GenerationSettings(topK: 1000),
        GenerationSettings(topP: 0.9), GenerationSettings(topP: 1e-9), GenerationSettings(topP: 0.999_999),
        GenerationSettings(minP: 0.1), GenerationSettings(minP: 1), GenerationSettings(topK: 20, topP: 0.7, minP: 0.05),
        GenerationSettings(repetitionPenalty: 1.3), GenerationSettings(topK: 5, repetitionPenalty: 0.7),
        GenerationSettings(temperature: 0, repetitionPenalty: 5),
    ])
    func agreesWithItsDefinition(_ settings: GenerationSettings) {
        for trial in 0..<200 {
            var random = Philox(77, UInt64(trial))
            let V = 1 + Int(random.next() % 90)
            // A coarse grid, so that there are ties.
            let logits = (0..<V).map { _ in Float((random.nextNormal() * 6).rounded() / 2) }
            let isInText = (0..<V).map { _ in random.next() % 3 == 0 }
            let banned = (0..<V).filter { _ in random.next() % 10 == 0 }.map(Int32.init)
            var uniform = Philox(UInt64(trial))
            let expected = reference(
                logits, settings, isInText: isInText, banned: Set(banned), uniform: uniform.nextUniform())
            #expect(sample(logits, settings, isInText: isInText, banned: banned, key: UInt64(trial)) == expected)
        }
    }

    @Test func drawsByProbability() {
        let probabilities = [0.5, 0.25, 0.15, 0.1]
        let logits = probabilities.map { Float(log($0)) }
        var counts = [0.0, 0, 0, 0]
        let draws = 20_000
        for key in 0..<draws {
            guard let id = sample(logits, GenerationSettings(temperature: 1), key: UInt64(key)) else { continue }
            counts[Int(id)] += 1 / Double(draws)
        }
        // Five standard deviations of the least certain.
        for (count, probability) in zip(counts, probabilities) { #expect(abs(count - probability) < 5 * 0.0036) }
    }

    @Test func takesTheLowestOfEquals() {
        #expect(sample([0, 3, 1, 3, 3], .greedy) == 1)
        for key in 0..<50 as Range<UInt64> {
            let two = sample([3, 3, 3, 3], GenerationSettings(topK: 2), key: key)
            #expect(two == 0 || two == 1)
            #expect(sample([1, 3, 3], GenerationSettings(topP: 0.01), key: key) == 1)
        }
    }

    @Test(arguments: [GenerationSettings.greedy, GenerationSettings(), GenerationSettings(topK: 3, topP: 0.8)])
    func bearsWhatIsNoNumber(_ settings: GenerationSettings) {
        let nan = Float.nan, infinity = Float.infinity
        #expect(sample([nan, nan, nan], settings) == nil)
        #expect(sample([-infinity, -infinity], settings) == nil)
        #expect(sample([nan, -infinity, 2, nan], settings) == 2)
        #expect(sample([0, infinity, 5], settings) == 1)
        #expect(sample([infinity, infinity, 0], settings).map { $0 < 2 } == true)
        #expect(sample([1, 2, 3], settings, banned: [0, 1, 2]) == nil)
        #expect(sample([1, 2, 3], settings, banned: [0, 2, 7, -1]) == 1)
        #expect(sample([], settings) == nil)
        #expect(sample([-.greatestFiniteMagnitude, .greatestFiniteMagnitude], settings) == 1)
    }

    @Test(arguments: [1e-300, 1e-6, 1e6, 1e300]) func bearsEveryTemperature(_ temperature: Double) {
        let id = sample([1, 2, 1.5], GenerationSettings(temperature: temperature))
        #expect(id != nil)
        if temperature < 1e-3 { #expect(id == 1) }
    }

    @Test func repeatsItselfLessUnderAPenalty() {
        // 2 / 1.5 and -1 x 1.5 fall below their neighbours.
        #expect(
            sample([2, 1.5], GenerationSettings(temperature: 0, repetitionPenalty: 1.5), isInText: [true, false]) == 1)
        #expect(
            sample([-1, -1.2], GenerationSettings(temperature: 0, repetitionPenalty: 1.5), isInText: [true, false]) == 1
        )
    }

    @Test(arguments: [
        (GenerationSettings(temperature: -0.1), "the temperature is -0.1; it must be 0 or more, and finite"),
        (GenerationSettings(temperature: .nan), "the temperature is nan; it must be 0 or more, and finite"),
        (GenerationSettings(temperature: .infinity), "the temperature is inf; it must be 0 or more, and finite"),
        (GenerationSettings(topK: 0), "the top-k is 0; it must be 1 or more"),
        (GenerationSettings(topP: 0), "the top-p is 0.0; it must be above 0 and at most 1"),
        (GenerationSettings(topP: 1.01), "the top-p is 1.01; it must be above 0 and at most 1"),
        (GenerationSettings(topP: .nan), "the top-p is nan; it must be above 0 and at most 1"),
        (GenerationSettings(minP: -1), "the min-p is -1.0; it must be from 0 to 1"),
        (GenerationSettings(minP: 2), "the min-p is 2.0; it must be from 0 to 1"),
        (GenerationSettings(repetitionPenalty: 0), "the repetition penalty is 0.0; it must be a number above 0"),
    ])
    func refusesSettingsOutOfRange(_ settings: GenerationSettings, _ message: String) {
        let error = #expect(throws: GenerationError.self) { try settings.validate() }
        #expect(error?.description == message)
    }
}
