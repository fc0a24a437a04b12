import Tensors

/// Prompts that a model has processed. Another prompt that begins like one of them need not process its beginning again.
///
/// Only long prompts are kept, which the general product processes: so a prompt has the same bits with the cache as without
/// it, and short ones take no time. The keys and values of generated tokens are not kept, because steps compute them in another
/// order of summation.
package final class PromptCache {
    /// A prompt and the session that has processed it.
    private struct Entry {
        let text: [Int32]
        let session: any DecodingSession
    }

    /// In the order in which they were used, the last one most recently.
    private var entries: [Entry] = []
    private let capacity: Int

    /// - Parameter capacity: the most tokens that are kept, of all prompts together. Those not used for the longest time are
    ///   removed.
    package init(capacity: Int) { self.capacity = capacity }

    /// The number of tokens that are kept.
    package var tokenCount: Int { entries.reduce(0) { $0 + $1.text.count } }

    /// Whether a prompt is processed by the general product.
    static func isLong(_ prompt: [Int32]) -> Bool { prompt.count > DecodingProduct.gemvRows }

    /// Adds a prompt that is processed.
    func add(_ session: any DecodingSession, _ text: [Int32]) {
        guard text.count <= capacity, session.length == text.count, let copy = session.copy(length: text.count) else {
            return
        }
        // A prompt that the new one begins with is no longer needed.
        entries.removeAll { text.starts(with: $0.text) }
        entries.append(Entry(text: text, session: copy))
        while tokenCount > capacity { entries.removeFirst() }
    }

    /// A session that has processed a beginning of a prompt, as long as possible; nil if there is none. At least the last
    /// token of the prompt remains, because its logits are needed.
    func session(for prompt: [Int32]) -> (any DecodingSession)? {
        let shared = entries.map { zip($0.text, prompt.dropLast()).prefix { $0 == $1 }.count }
        guard let longest = shared.indices.max(by: { shared[$0] < shared[$1] }), shared[longest] > 0 else { return nil }
        let entry = entries.remove(at: longest)
        entries.append(entry)
        return entry.session.copy(length: shared[longest])
    }
}
