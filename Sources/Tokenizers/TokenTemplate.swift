/// The ids that a model expects before, between and after texts, such as that of `<|begin_of_text|>` or `[CLS]` (Hugging
/// Face's `TemplateProcessing`).
public struct TokenTemplate: Sendable, Hashable {
    /// A part of a sequence of ids.
    public enum Part: Sendable, Hashable {
        /// An id, and its type.
        case token(Int32, type: Int32)
        /// All ids of the first text, and their type.
        case first(type: Int32)
        /// All ids of the second text, and their type.
        case second(type: Int32)

        var isToken: Bool { if case .token = self { true } else { false } }
    }

    /// The parts of one text.
    public private(set) var single: [Part]

    /// The parts of two texts.
    public var pair: [Part]

    /// The ids before a single text.
    public var before: [Int32] {
        get { Self.ids(single.prefix { $0.isToken }) }
        set { self = TokenTemplate(before: newValue, after: after) }
    }

    /// The ids after a single text.
    public var after: [Int32] {
        get { Self.ids(single.drop { $0.isToken }) }
        set { self = TokenTemplate(before: before, after: newValue) }
    }

    /// A template with these ids around each text. Of two texts, the first has the type 0 and the second 1, as the ids around
    /// them have.
    public init(before: [Int32] = [], after: [Int32] = []) {
        func around(_ text: Part, type: Int32) -> [Part] {
            before.map { .token($0, type: type) } + [text] + after.map { .token($0, type: type) }
        }
        single = around(.first(type: 0), type: 0)
        pair = single + around(.second(type: 1), type: 1)
    }

    /// A template of these parts. The first text must occur once in `single`, both texts once in `pair`.
    package init(single: [Part], pair: [Part]) {
        self.single = single
        self.pair = pair
    }

    /// BERT's: `[CLS] A [SEP]` of the type 0, and for two texts `B [SEP]` of the type 1 after it.
    public static func bert(classification: Int32, separator: Int32) -> TokenTemplate {
        let single: [Part] = [
            .token(classification, type: 0), .first(type: 0), .token(separator, type: 0),
        ]
        return TokenTemplate(single: single, pair: single + [.second(type: 1), .token(separator, type: 1)])
    }

    private static func ids(_ parts: some Sequence<Part>) -> [Int32] {
        parts.compactMap { part in
            if case .token(let id, _) = part { id } else { nil }
        }
    }
}
