import TestSupport
import Testing
import Tokenizers
import Verification

@Suite("Test vectors of tokenizers") struct TokenizerVectorTests {
    private let directory = TemporaryDirectory()

    /// The location and outcome of each vector of a file, in a word or two.
    private func outcomes(
        _ contents: String, _ tokenizer: (any Tokenizer)?, trainingText: String? = nil
    ) throws -> [String] {
        try directory.write(Array(contents.utf8), to: "vectors.jsonl")
        let path = directory.file("vectors.jsonl")
        var tokenizers = VectorTokenizers(vocabularies: directory.path, unnamed: tokenizer, vectors: path)
        var outcomes: [String] = []
        try TokenizerVectors(path, trainingText: trainingText).check(with: &tokenizers) { location, outcome in
            switch outcome {
            case .passed: outcomes.append("\(location): passed")
            case .failed(let reason): outcomes.append("\(location): \(reason)")
            case .skipped(let reason): outcomes.append("\(location): skipped, \(reason)")
            }
        }
        return outcomes
    }

    @Test func lines() throws {
        let vectors = """
            {"text":"ab","ids":[97,98]}

            {"text":"ab","ids":[97]}
            {"text":"ab"}
            {"encoding":"gpt2","kind":"prose","text":"a","ids":[64]}
            {"encoding":"nothing","text":"a","ids":[64]}
            """
        #expect(
            try outcomes(vectors, ByteTokenizer()) == [
                "line 1: passed", "line 3: the ids are [97, 98], not [97]", "line 4: it has no ids",
                "line 5 (gpt2, prose): skipped, the vocabulary gpt2 is missing",
                "line 6 (nothing): skipped, unknown encoding nothing",
            ])
        let missing = "the line names no encoding, and there is no \(directory.file("tokenizer.json"))"
        #expect(try outcomes(#"{"text":"a","ids":[97]}"#, nil) == ["line 1: skipped, \(missing)"])
    }

    @Test func training() throws {
        try directory.write(Array("aaab aaab".utf8), to: "text.txt")
        func merges(_ steps: String, rule: String = "hf") -> String {
            #"{"rule":"\#(rule)","vocab_size":258,"corpus":"all","merges":\#(steps)}"#
        }
        let text = directory.file("text.txt")
        #expect(
            try outcomes(merges("[[1,2,3,4]]", rule: "other"), nil).first?.contains("unknown trainer other") == true)
        let results = try outcomes(merges("[[1,2,3,4]]"), nil, trainingText: text)
        #expect(results.count == 1 && results[0].hasPrefix("step 0: left, right, new, count are ["), "\(results)")
        #expect(throws: (any Error).self) {
            try outcomes(merges("[[1,2,3,4]]"), nil, trainingText: directory.file("none.txt"))
        }
    }

    @Test("Files that are no vectors are refused", arguments: ["", "{\"ids\":", "{\"merges\":[]}", "{\"rank\":0}"])
    func refusals(contents: String) throws {
        #expect(throws: (any Error).self) { try outcomes(contents, ByteTokenizer()) }
    }
}
