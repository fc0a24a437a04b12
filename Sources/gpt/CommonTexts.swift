import GPTKit

extension TextOptions {
    /// The texts that were asked for, or else tiny Shakespeare, or else the play that is always there.
    /// - Parameters:
    ///   - allowingTokens: whether files of ids will do, of which there is no text.
    ///   - remark: is told what takes a while.
    func read(
        allowingTokens: Bool = false, remark: (String) -> Void = { note($0) }
    ) throws -> ([NamedText], TextOrigin) {
        if !text.isEmpty {
            let texts = try TextSource.read(text)
            if !allowingTokens, let ids = texts.first(where: { $0.tokens != nil }) {
                throw CommandFailure(
                    "\(ids.name) holds the ids of tokens, which only 'gpt train' can do without their text")
            }
            return (texts, .files(text))
        }
        do {
            return ([try TinyShakespeare.load { remark("Fetching tiny Shakespeare ...") }], .tinyShakespeare)
        } catch {
            note("\(error); taking the built-in play instead")
            return ([BuiltInCorpus.named], .builtIn)
        }
    }

    /// The share of each text that is for validation.
    func checkedValidation() throws -> Double {
        let share = validation ?? 0.1
        guard share >= 0.0001, share <= 0.9999 else {
            throw CommandFailure("--validation is \(share), which is not between 0.0001 and 0.9999")
        }
        return share
    }
}
