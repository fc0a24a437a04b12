extension BPETokenizer {
    /// The ids of each text, in the order of the texts, encoded on all threads of Swift's concurrency.
    public func encode(batch texts: [String], special: SpecialTokenPolicy, addingSpecialTokens: Bool = false)
        async throws
        -> [[Int32]]
    {
        try await mapConcurrently(texts) { text in
            try self.encode(text, special: special, addingSpecialTokens: addingSpecialTokens)
        }
    }

    /// The number of ids of each text.
    public func count(batch texts: [String], special: SpecialTokenPolicy, addingSpecialTokens: Bool = false)
        async throws -> [Int]
    {
        try await mapConcurrently(texts) { text in
            try self.count(text, special: special, addingSpecialTokens: addingSpecialTokens)
        }
    }

    /// Runs `body` for each text. The texts are distributed to tasks in groups of about 64 KiB, because a text may be a word or
    /// a book.
    private func mapConcurrently<Result: Sendable>(
        _ texts: [String], _ body: @escaping @Sendable (String) throws -> Result
    ) async throws -> [Result] {
        var groups: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for (index, text) in texts.enumerated() {
            bytes += text.utf8.count + 16
            if bytes >= 1 << 16 || index == texts.count - 1 {
                groups.append(start..<index + 1)
                start = index + 1
                bytes = 0
            }
        }
        return try await withThrowingTaskGroup(of: (Int, [Result]).self) { tasks in
            for (number, group) in groups.enumerated() {
                tasks.addTask { (number, try texts[group].map(body)) }
            }
            var results = [[Result]](repeating: [], count: groups.count)
            for try await (number, part) in tasks { results[number] = part }
            return results.flatMap { $0 }
        }
    }
}
