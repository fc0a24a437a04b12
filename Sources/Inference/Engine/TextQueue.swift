import Models
import Synchronization

/// The texts that an engine generates, in the order in which they were requested.
struct TextQueue {
    private let limits: EngineLimits
    private var texts: [QueuedText] = []
    private var prompts: PromptCache?
    private var done = EngineStatistics()

    /// The most tokens of prompts that are processed between two steps, so that a long prompt does not stop the others.
    private static let promptTokensPerStep = 256

    /// The memory that prompts are kept in unless the limits say otherwise.
    private static let promptCacheBytes = 256 << 20

    init(_ limits: EngineLimits) { self.limits = limits }

    /// The text of a ticket, which is made if the ticket is new.
    /// - Returns: nil if the text has ended.
    /// - Throws: `InferenceError.busy`, or the error of `make`.
    mutating func text(of ticket: TextTicket, orMake make: () throws -> TextGeneration) throws -> QueuedText? {
        if let text = texts.first(where: { $0.id == ticket.id }) { return text }
        guard ticket.use() else { return nil }
        let (capacity, overflows) = limits.concurrentTexts.addingReportingOverflow(limits.waitingTexts)
        guard overflows || texts.count(where: { !$0.hasEnded }) < capacity else { throw InferenceError.busy }
        let text = QueuedText(ticket.id, try make())
        texts.append(text)
        return text
    }

    /// Removes a text, whose consumer has left or has its last token.
    mutating func remove(_ id: TextTicket.ID) {
        guard let index = texts.firstIndex(where: { $0.id == id }) else { return }
        texts.remove(at: index).end()
    }

    /// The texts of the next step.
    private var active: [QueuedText] { Array(texts.lazy.filter(\.canGoOn).prefix(limits.concurrentTexts)) }

    /// Whether a text can go on.
    var hasWork: Bool { texts.contains(where: \.canGoOn) }

    var statistics: EngineStatistics {
        var statistics = done
        let running = texts.count { !$0.hasEnded }
        statistics.running = min(running, limits.concurrentTexts)
        statistics.waiting = running - statistics.running
        return statistics
    }

    /// Processes a part of the prompts, and then computes the next token of every text whose prompt is processed.
    mutating func step(_ model: any LanguageModel) {
        let active = active
        var tokensLeft = Self.promptTokensPerStep
        for text in active where !text.sequence.isAtStep && tokensLeft > 0 {
            let before = text.sequence.promptTokensLeft
            let logits = text.sequence.processPrompt(atMost: tokensLeft, sharing: promptCache(for: model))
            let (shared, after) = (text.sequence.takeSharedTokens(), logits == nil ? text.sequence.promptTokensLeft : 0)
            done.sharedPromptTokens += shared
            done.promptTokens += before - after - shared
            tokensLeft -= before - after - shared
            if let logits { deliver(LogitsRow(logits), to: text) }
        }
        let stepping = active.filter { $0.canGoOn && $0.sequence.isAtStep }
        if stepping.isEmpty { return }
        done.steps += 1
        for (text, logits) in zip(stepping, model.step(stepping.map(\.sequence))) { deliver(logits, to: text) }
    }

    private mutating func deliver(_ logits: LogitsRow, to text: QueuedText) {
        text.append(logits)
        done.generatedTokens += 1
        if text.isDelivered { remove(text.id) }
    }

    private mutating func promptCache(for model: any LanguageModel) -> PromptCache {
        if let prompts { return prompts }
        let bytesPerToken = 4 * (model.specification?.cacheFloatsPerToken ?? 0)
        let capacity =
            limits.cachedPromptTokens
            ?? min(4 * model.promptChunkLength, Self.promptCacheBytes / max(1, bytesPerToken))
        let made = PromptCache(capacity: capacity)
        prompts = made
        return made
    }
}

/// A text that is generated for a consumer, a few tokens ahead of it.
final class QueuedText {
    let id: TextTicket.ID
    private var generation: TextGeneration
    /// The tokens that the consumer has not taken yet.
    private var tokens: [GeneratedToken] = []
    private var failure: (any Error)?
    private var consumer: CheckedContinuation<GeneratedToken?, any Error>?
    /// Whether the engine has forgotten the text.
    private var isRemoved = false

    /// The most tokens that are generated before the consumer takes them.
    private static let mostTokensAhead = 8

    init(_ id: TextTicket.ID, _ generation: TextGeneration) {
        self.id = id
        self.generation = generation
    }

    var sequence: GeneratedSequence { generation.sequence }

    /// Whether there are no further tokens to compute.
    var hasEnded: Bool { !generation.isRunning }

    /// Whether the next token is to be computed now.
    var canGoOn: Bool { generation.isRunning && tokens.count < Self.mostTokensAhead }

    /// Whether the consumer has everything.
    var isDelivered: Bool { hasEnded && tokens.isEmpty && failure == nil && consumer == nil }

    /// The next token, if it is computed.
    /// - Throws: the error that ended the text.
    func takeToken() throws -> GeneratedToken? {
        if !tokens.isEmpty { return tokens.removeFirst() }
        if let failure = failure.take() { throw failure }
        return nil
    }

    /// Resumes a consumer with the next token when it is computed, or with nil at the end. A step may have been computed since
    /// the consumer found that there was no token.
    func wait(_ consumer: CheckedContinuation<GeneratedToken?, any Error>) {
        do {
            if let token = try takeToken() {
                consumer.resume(returning: token)
            } else if hasEnded || isRemoved {
                consumer.resume(returning: nil)
            } else {
                self.consumer = consumer
            }
        } catch { consumer.resume(throwing: error) }
    }

    /// Samples the next token.
    func append(_ logits: LogitsRow) {
        do {
            let token = try generation.next(logits)
            if let consumer = consumer.take() { consumer.resume(returning: token) } else { tokens.append(token) }
        } catch {
            if let consumer = consumer.take() { consumer.resume(throwing: error) } else { failure = error }
        }
    }

    /// Ends the stream of a consumer that waits, or that will wait.
    func end() {
        isRemoved = true
        consumer.take()?.resume(returning: nil)
    }
}

/// Identifies a text between its stream and the engine. When the stream is released, the text ends.
final class TextTicket: Sendable {
    typealias ID = Int

    private static let count = Atomic(0)
    let id = TextTicket.count.add(1, ordering: .relaxed).newValue
    private let isUsed = Atomic(false)
    private let onRelease: @Sendable (ID) -> Void

    init(onRelease: @escaping @Sendable (ID) -> Void) { self.onRelease = onRelease }

    deinit { if isUsed.load(ordering: .relaxed) { onRelease(id) } }

    /// Whether this is the first call.
    func use() -> Bool { isUsed.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged }
}
