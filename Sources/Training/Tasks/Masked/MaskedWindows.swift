import Tensors

/// Windows of a text in which tokens are masked (Devlin et al., 2019).
///
/// Each window is `[CLS] x[0] ... x[n - 1] [SEP]`. Of its n tokens, 15 % are to be predicted, at least one. Of these, 80 % are
/// replaced by `[MASK]`, 10 % by a random token, and 10 % are left as they are, because a model that is used later sees no
/// `[MASK]`. Each token is chosen by a random number of its own, so which ones they are is a function of the key alone.
package struct MaskedWindows {
    /// The special tokens of the windows.
    package struct Tokens: Sendable {
        let classification: Int32
        let separator: Int32
        let mask: Int32
        /// The tokens that are not special: one of them replaces a token.
        let ordinary: [Int32]

        package init(classification: Int32, separator: Int32, mask: Int32, ordinary: [Int32]) {
            self.classification = classification
            self.separator = separator
            self.mask = mask
            self.ordinary = ordinary
        }
    }

    static let share = 0.15

    package let tokens: TokenBatch
    /// The positions to predict, as rows of the batch.
    package private(set) var rows: [Int32] = []
    /// The token at each of them.
    package private(set) var targets: [Int32] = []

    /// The number of tokens of a window of `length` tokens that are to be predicted.
    package static func count(length: Int) -> Int { max(1, Int((share * Double(length)).rounded())) }

    /// - Parameters:
    ///   - windows: tokens of a text, without special tokens.
    ///   - tokens: the special tokens.
    ///   - key: the key of the random numbers of each window.
    package init(_ windows: [ArraySlice<Int32>], _ tokens: Tokens, key: (Int) -> Philox) {
        var sequences: [[Int32]] = []
        var first = 0
        for (number, window) in windows.enumerated() {
            var random = key(number)
            func below(_ count: Int) -> Int { Int(random.next().multipliedFullWidth(by: UInt64(count)).high) }
            var ids = [tokens.classification] + window + [tokens.separator]
            // The first positions of a random order.
            var order = Array(1...window.count)
            for chosen in 0..<Self.count(length: window.count) {
                order.swapAt(chosen, chosen + below(order.count - chosen))
            }
            for position in order.prefix(Self.count(length: window.count)).sorted() {
                rows.append(Int32(first + position))
                targets.append(ids[position])
                switch below(10) {
                case 0: ids[position] = tokens.ordinary[below(tokens.ordinary.count)]
                case 1: break
                default: ids[position] = tokens.mask
                }
            }
            first += ids.count
            sequences.append(ids)
        }
        self.tokens = TokenBatch(sequences)
    }
}
