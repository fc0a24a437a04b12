import ChatTemplates
import Corpus
import Tensors
import Tokenizers

/// Which tokens of conversations a model learns, and where its windows begin.
struct ConversationTargets: Sendable {
    /// Whether the assistant says each token of the training part.
    let isTrainingTarget: [Bool]
    /// The same of the validation part.
    let isValidationTarget: [Bool]
    /// The tokens of each conversation in the training part.
    let trainingRanges: [Range<Int>]
    /// Where windows of one length begin in the training part.
    private(set) var windows: (length: Int, starts: [Int])
    /// The tokens of each conversation in the validation part.
    let validationRanges: [Range<Int>]
    /// The special tokens that end what the assistant says.
    let ends: [Int32]

    init(
        isTrainingTarget: [Bool], isValidationTarget: [Bool], trainingRanges: [Range<Int>],
        validationRanges: [Range<Int>],
        ends: [Int32], windowLength: Int
    ) {
        self.isTrainingTarget = isTrainingTarget
        self.isValidationTarget = isValidationTarget
        self.trainingRanges = trainingRanges
        self.validationRanges = validationRanges
        self.ends = ends
        windows = (0, [])
        setWindowLength(windowLength)
    }

    /// Sets the length of the windows. They begin with a conversation, as a chat does, and within one that is longer than a
    /// window after each window.
    mutating func setWindowLength(_ length: Int) {
        guard length != windows.length else { return }
        windows = (
            length, trainingRanges.flatMap { stride(from: $0.lowerBound, to: $0.upperBound, by: length) }
        )
    }
}

extension TokenDataset.Document {
    /// Encodes conversations, of which the last are for validation.
    /// - Throws: `TrainingError` if there are fewer than two, and what `ChatFormat.encode` throws, with the number of the
    ///   conversation.
    init(
        _ conversations: [[ChatMessage]], of text: NamedText, with tokenizer: any Tokenizer, _ format: ChatFormat,
        validation share: Double, length: Int
    ) throws {
        guard conversations.count > 1 else {
            throw TrainingError.setting(
                "\(text.name): it has one conversation; give at least two, of which one is for validation")
        }
        let usual = TokenDataset.trainingLength(of: conversations.count, validation: share)
        let cut = max(1, min(usual, conversations.count - 1))
        var ids: [Int32] = [], isTarget: [Bool] = [], ends: [Int32] = [], boundary = 0
        var trainingRanges: [Range<Int>] = [], validationRanges: [Range<Int>] = []
        for (number, conversation) in conversations.enumerated() {
            let name = "\(text.name), conversation \(number + 1)"
            let part: (ids: [Int32], isTarget: [Bool])
            do { part = try format.encode(conversation, with: tokenizer, called: name) } catch let error
                as TrainingError
            {
                throw error
            } catch {
                throw TrainingError.setting("\(name): \(error)")
            }
            if number == cut { boundary = ids.count }
            if number < cut {
                trainingRanges.append(ids.count..<ids.count + part.ids.count)
            } else {
                let start = ids.count - boundary
                validationRanges.append(start..<start + part.ids.count)
            }
            for (position, id) in part.ids.enumerated() where part.isTarget[position] {
                let isLast = position + 1 == part.ids.count || !part.isTarget[position + 1]
                if isLast, !ends.contains(id) { ends.append(id) }
            }
            ids += part.ids
            isTarget += part.isTarget
        }
        let validation = Array(ids[boundary...]), isValidationTarget = Array(isTarget[boundary...])
        var bytes = 0, characters = 0
        for position in validationRanges.flatMap({ $0.dropFirst() }) where isValidationTarget[position] {
            let token = tokenizer.bytes(of: validation[position])
            bytes += token.count
            characters += token.count { $0 & 0xC0 != 0x80 }
        }
        self.init(
            name: text.name, training: Array(ids[..<boundary]), validation: validation, predictedBytes: bytes,
            predictedCharacters: characters,
            conversations: ConversationTargets(
                isTrainingTarget: Array(isTarget[..<boundary]), isValidationTarget: isValidationTarget,
                trainingRanges: trainingRanges, validationRanges: validationRanges, ends: ends, windowLength: length))
    }
}

extension TokenDataset {
    /// Prepares to draw windows of another length. A batch of that length then needs no preparation of its own.
    mutating func setWindowLength(_ length: Int) {
        for i in documents.indices { documents[i].conversations?.setWindowLength(length) }
    }

    /// The special tokens that end what the assistant says in conversations; none if there are no conversations.
    var turnEnds: [Int32] {
        documents.flatMap { $0.conversations?.ends ?? [] }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Whether a step has targets that are to be ignored.
    var hasMaskedTargets: Bool { documents.contains { $0.conversations != nil } }

    /// Windows that begin with a conversation and go on with the ones after it, the first ones again after the last. What the
    /// assistant does not say is -1 among the targets, which the loss ignores.
    func conversationBatch(
        batch: Int, length: Int, seed: UInt64, step: Int, microBatch: Int
    ) -> (inputs: TokenBatch, targets: [Int32]) {
        let starts = documents.map { document -> [Int] in
            guard var conversations = document.conversations else { return [] }
            conversations.setWindowLength(length)
            return conversations.windows.starts
        }
        let total = starts.reduce(0) { $0 + $1.count }
        var random = Philox(Purpose.windows, seed, UInt64(step), UInt64(microBatch))
        var inputs: [Int32] = [], targets: [Int32] = []
        for _ in 0..<batch {
            var number = Int(random.next().multipliedFullWidth(by: UInt64(total)).high)
            for (document, starts) in zip(documents, starts) {
                guard let conversations = document.conversations else { continue }
                guard number < starts.count else {
                    number -= starts.count
                    continue
                }
                let tokens = document.trainingIDs, start = starts[number]
                for offset in 0..<length {
                    inputs.append(tokens[(start + offset) % tokens.count])
                    let target = (start + offset + 1) % tokens.count
                    targets.append(conversations.isTrainingTarget[target] ? tokens[target] : -1)
                }
                break
            }
        }
        return (TokenBatch(batch: batch, length: length, ids: inputs), targets)
    }
}
