import Tensors
import Testing
import Training

@Suite("What ranks compare before they train")
struct RankRecordTests {
    private func record(
        _ host: String = "a", program: String = "1", _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws -> RankRecord {
        var settings = TinyRuns.settings(steps: 3)
        change(&settings)
        return try RankRecord(
            host: host, program: program, TinyRuns.trainer(settings), tokenizer: TinyRuns.tokenizer)
    }

    @Test("Equal ranks may train, also after their records were sent")
    func equal() throws {
        let records = try [record("a"), record("b"), record("a")]
        #expect(RankRecord.problem(records) == nil)
        let sent = try records.map { try RankRecord($0.bytes) }
        #expect(sent == records && RankRecord.problem(sent) == nil)
    }

    @Test("What differs is named, with the rank and its machine")
    func different() throws {
        func problem(_ other: RankRecord) throws -> String {
            try #require(RankRecord.problem([record("a"), record("b"), RankRecord(other.bytes)]))
        }
        var message = try problem(record("c", program: "2"))
        #expect(message.contains("rank 2 on c does not have the same program as rank 0 on a"))
        message = try problem(record("c") { $0.seed = 6 })
        #expect(message.contains("rank 2 on c does not have the same settings") && message.contains("seed"))
        message = try problem(record("c") { $0.precision = $0.precision == .float32 ? .bfloat16 : .float32 })
        #expect(message.contains("--precision"))
        let scalar = try Execution.$current.withValue(Execution(instructionSet: .scalar)) { try record("c") }
        if Execution.preferred != .scalar {
            #expect(try problem(scalar).contains("rank 2 on c does not have the same instruction set"))
        }
        #expect(try problem(RankRecord(host: "c", failure: "there is no text")) == "rank 2 on c: there is no text")
    }
}
