import FuzzTargets
import Interchange
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct OrdinaryEncoding {
    /// In parts, on any number of threads, the ids are those of the whole; special tokens are text.
    @Test(arguments: SplitPattern.allCases)
    func inParts(_ pattern: SplitPattern) throws {
        let file = try Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")
        let made = try #require(try TokenizerFile.tokenizer(from: file) as? BPETokenizer)
        var generator = SeededGenerator(seed: 12)
        for normalization in [BPETokenizer.Normalization.none, .nfc] {
            let tokenizer = try BPETokenizer(
                made.vocabulary, pattern: pattern, specialTokens: [SpecialToken("<|end|>", id: 600)],
                normalization: normalization)
            for _ in 0..<20 {
                let text = (0..<30).map { _ in RandomText.text(using: &generator) + " the end<|end|>\nof it" }.joined()
                let whole = try tokenizer.encode(text, special: .plainText)
                for threads in [1, 3] {
                    let ids = try Execution.$current.withValue(Execution(threads: threads)) {
                        try tokenizer.encodeOrdinary(
                            text, partLength: 100, concurrently: Execution.parallelLoop)
                    }
                    #expect(ids == whole)
                }
                #expect(try tokenizer.encodeOrdinary(text) == whole)
            }
        }
    }
}
