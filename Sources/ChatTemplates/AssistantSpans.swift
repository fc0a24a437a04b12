import StrictJSON

extension ChatTemplate {
    /// The text of a conversation, and which parts of it the assistant says: for training with the loss on them alone.
    ///
    /// A part begins where the model begins to generate, after the generation prompt, and ends with the marker of the end of a
    /// turn, such as `<|im_end|>`, without white space after it. If nothing but white space ends a turn, that is part of it.
    ///
    /// If the template marks such parts with `generation` statements, they are what it marks. Otherwise they are found by
    /// rendering the conversation in other forms, so it works for any template, and needs about six renderings for each
    /// message of the assistant:
    ///
    /// - With another content in its place, the text differs exactly where the content is.
    /// - The conversation before the message, with the generation prompt, ends where the message begins. Some templates render
    ///   earlier messages in another way when others follow: they drop the reasoning in them, or put the text of the system
    ///   into the last message of the user. So it is only compared what comes after the content of the message before: the
    ///   part begins where that ends to agree, or else with the content.
    /// - The conversation up to the message shows what follows its content: the part ends with as much of that as the whole
    ///   text has there.
    ///
    /// A message whose content the template does not show has no part: that of a call of a tool, in some templates.
    /// - Returns: the text, and the parts as ranges of its bytes in UTF-8, in their order and without overlaps.
    /// - Throws: `ChatTemplateError` if the template refuses the conversation, or fails.
    public func assistantSpans(
        in messages: [ChatMessage], variables: [String: String] = [:]
    ) throws -> (text: String, spans: [Range<Int>]) {
        let result = try renderingWithAssistantSpans(of: messages, variables: variables.mapValues(JSON.string))
        return (result.rendering.text, result.spans)
    }

    /// The same, with variables of any kind.
    package func renderingWithAssistantSpans(
        of messages: [ChatMessage], variables: [String: JSON], limits: RenderingLimits = RenderingLimits(),
        time: Int? = nil
    ) throws -> (rendering: ChatRendering, spans: [Range<Int>]) {
        let rendering = try self.rendering(
            of: messages, addingGenerationPrompt: false, variables: variables, limits: limits, time: time)
        if !rendering.generations.isEmpty { return (rendering, rendering.generations.filter { !$0.isEmpty }.disjoint) }
        let finder = SpanFinder(
            template: self, messages: messages, variables: variables, limits: limits, time: time,
            text: Array(rendering.text.unicodeScalars))
        return (rendering, rendering.text.offsets(of: try finder.spans()))
    }
}

/// Finds what the assistant says in a text, with positions in scalars.
private struct SpanFinder {
    typealias Scalars = [Unicode.Scalar]

    let template: ChatTemplate
    let messages: [ChatMessage]
    let variables: [String: JSON]
    let limits: RenderingLimits
    let time: Int?
    let text: Scalars

    func spans() throws -> [Range<Int>] {
        var spans: [Range<Int>] = []
        for position in messages.indices where messages[position].role == "assistant" {
            guard let content = try place(ofContentAt: position, in: messages, text) else { continue }
            let start = try start(of: position, before: content.lowerBound)
            let end = content.upperBound + lengthOfEnd(of: position, after: content.upperBound)
            if start < end { spans.append(start..<end) }
        }
        return spans.disjoint
    }

    /// Where the content of a message is: nil if the text does not show it.
    private func place(
        ofContentAt position: Int, in messages: [ChatMessage], _ text: Scalars, addingGenerationPrompt: Bool = false
    ) throws -> Range<Int>? {
        var changed = messages
        // Scalars for private use that are not in the text. A template that splits or trims the content keeps them.
        let marker = Self.markers.first { !text.contains($0) } ?? Self.markers[0]
        changed[position].content = String(repeating: String(marker), count: 3)
        let other = try render(changed[...], addingGenerationPrompt: addingGenerationPrompt)
        let prefix = commonPrefix(text[...], other[...])
        guard prefix < other.count, other[prefix...].contains(marker) else { return nil }
        let place = prefix..<(text.count - min(commonSuffix(text[...], other[...]), text.count - prefix))
        // A template may render an empty message in quite another way. Then there is something else than the content.
        let isEmpty = messages[position].members.count == 2 && messages[position].content.isEmpty
        return isEmpty && text[place].contains { !$0.isWhiteSpace } ? nil : place
    }

    private static let markers: [Unicode.Scalar] = ["\u{F8F0}", "\u{F8F1}", "\u{F8F2}", "\u{10FFFD}"]

    /// Where a message begins, whose content is at `content`.
    private func start(of position: Int, before content: Int) throws -> Int {
        let earlier = Array(messages[..<position])
        guard let prompt = try? render(earlier[...], addingGenerationPrompt: true) else { return content }
        var lowest = 0, promptStart = 0
        for other in earlier.indices.reversed() {
            guard let place = try place(ofContentAt: other, in: messages, text), place.upperBound <= content else {
                continue
            }
            guard
                let promptPlace = try? self.place(ofContentAt: other, in: earlier, prompt, addingGenerationPrompt: true)
            else { continue }
            (lowest, promptStart) = (place.upperBound, promptPlace.upperBound)
            break
        }
        let beginning = text[lowest..<content], expected = prompt[promptStart...]
        let length = commonPrefix(beginning, expected)
        return length == beginning.count || length == expected.count ? lowest + length : content
    }

    /// The length of what ends a turn after its content.
    private func lengthOfEnd(of position: Int, after content: Int) -> Int {
        let beginning = Array(messages[...position])
        guard let text = try? render(beginning[...], addingGenerationPrompt: false),
            let place = try? place(ofContentAt: position, in: beginning, text)
        else { return 0 }
        let expected = text[place.upperBound...]
        var end = self.text[content...].prefix(commonPrefix(self.text[content...], expected))
        // What ends the conversation may begin like what begins the next message: the part has no piece of a marker.
        if end.count < expected.count, let opening = end.lastIndex(where: { $0 == "<" || $0 == "[" }),
            !end[opening...].contains(where: { $0 == ">" || $0 == "]" })
        {
            end = end[..<opening]
        }
        guard let last = end.lastIndex(where: { !$0.isWhiteSpace }) else { return end.count }
        return last + 1 - end.startIndex
    }

    private func render(_ messages: ArraySlice<ChatMessage>, addingGenerationPrompt: Bool) throws -> Scalars {
        let rendering = try template.rendering(
            of: Array(messages), addingGenerationPrompt: addingGenerationPrompt, variables: variables, limits: limits,
            time: time)
        return Array(rendering.text.unicodeScalars)
    }

    private func commonPrefix(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
        zip(left, right).prefix { $0 == $1 }.count
    }

    private func commonSuffix(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
        var length = 0
        while length < min(left.count, right.count),
            left[left.endIndex - 1 - length] == right[right.endIndex - 1 - length]
        {
            length += 1
        }
        return length
    }
}

extension [Range<Int>] {
    /// The ranges in the order of their beginnings, each without what is in those before it.
    fileprivate var disjoint: [Range<Int>] {
        var end = 0
        return sorted { $0.lowerBound < $1.lowerBound }.compactMap { range in
            let lower = Swift.max(range.lowerBound, end)
            guard lower < range.upperBound else { return nil }
            end = range.upperBound
            return lower..<end
        }
    }
}

extension String {
    /// Ranges of scalars, in their order and without overlaps, as ranges of bytes.
    fileprivate func offsets(of ranges: [Range<Int>]) -> [Range<Int>] {
        var scalar = 0, byte = 0, iterator = unicodeScalars.makeIterator()
        func offset(of position: Int) -> Int {
            while scalar < position, let next = iterator.next() {
                scalar += 1
                byte += UTF8.width(next)
            }
            return byte
        }
        return ranges.map { range in
            let lower = offset(of: range.lowerBound)
            return lower..<offset(of: range.upperBound)
        }
    }
}
