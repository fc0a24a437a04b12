import StrictJSON

/// The template and the steps of components, which all kinds of tokenizers have in common.
extension TokenizerReader {
    /// The ids that the post-processor adds: those of `TemplateProcessing`, or of `BertProcessing`, which is a template as well.
    /// - Parameter types: types of steps that add none.
    func template(ignoring types: [String] = []) throws(TokenizerError) -> TokenTemplate {
        var template: TokenTemplate?
        guard let value = root["post_processor"], !value.isNull else { return TokenTemplate() }
        for step in try steps(value, of: "post_processor", in: "processors") where !types.contains(step.type) {
            guard ["TemplateProcessing", "BertProcessing"].contains(step.type) else {
                throw unsupported("its post_processor is \(quoted(step.type)), which is not supported")
            }
            guard template == nil else { throw failure("its post_processor has two templates") }
            template = try step.type == "BertProcessing" ? bertTemplate(step.value) : self.template(from: step.value)
        }
        return template ?? TokenTemplate()
    }

    private func bertTemplate(_ json: JSON) throws(TokenizerError) -> TokenTemplate {
        func id(_ key: String) throws(TokenizerError) -> Int32 {
            guard let pair = json[key]?.arrayValue, pair.count == 2, pair[0].stringValue != nil else {
                throw failure("its post_processor has no \(key) with a text and an id")
            }
            return try templateID(pair[1])
        }
        return .bert(classification: try id("cls"), separator: try id("sep"))
    }

    private func template(from json: JSON) throws(TokenizerError) -> TokenTemplate {
        guard let single = try parts("single", of: json) else { throw failure("its template has no 'single'") }
        return TokenTemplate(single: single, pair: try parts("pair", of: json) ?? TokenTemplate().pair)
    }

    /// The parts of a text, or of a pair of texts; `nil` if there are none.
    private func parts(_ key: String, of json: JSON) throws(TokenizerError) -> [TokenTemplate.Part]? {
        guard let value = json[key], !value.isNull else { return nil }
        guard let elements = value.arrayValue else { throw failure("its template has '\(key)' that is \(value.kind)") }
        var parts: [TokenTemplate.Part] = []
        var texts: [String] = []
        for element in elements {
            if let sequence = element["Sequence"] {
                let type = try typeID(of: sequence)
                let name = sequence["id"]?.stringValue ?? ""
                texts.append(name)
                parts.append(name == "B" ? .second(type: type) : .first(type: type))
                continue
            }
            guard let token = element["SpecialToken"], let name = token["id"]?.stringValue,
                let listed = json["special_tokens"]?[name]?["ids"]?.arrayValue
            else { throw failure("its template has an element that is neither a text nor a special token") }
            let type = try typeID(of: token)
            for value in listed { parts.append(.token(try templateID(value), type: type)) }
        }
        let expected = key == "pair" ? ["A", "B"] : ["A"]
        guard texts.sorted() == expected else {
            throw failure(
                "its template '\(key)' does not contain the \(key == "pair" ? "texts A and B" : "text") exactly once")
        }
        return parts
    }

    private func typeID(of element: JSON) throws(TokenizerError) -> Int32 {
        guard let value = element["type_id"], !value.isNull else { return 0 }
        guard let type = value.intValue, 0..<1 << 16 ~= type else {
            throw failure("its template has the invalid type_id \(value.shown)")
        }
        return Int32(type)
    }

    private func templateID(_ value: JSON) throws(TokenizerError) -> Int32 {
        guard let id = value.intValue, id >= 0, id < BPEVocabulary.greatestIDCount else {
            throw failure("its template has the invalid id \(value.serialized())")
        }
        return Int32(id)
    }

    /// A step of a component.
    struct Step {
        let type: String
        let value: JSON
    }

    /// The steps of a component: the elements of `list` if it is a `Sequence`, else the component itself.
    func steps(_ value: JSON, of component: String, in list: String) throws(TokenizerError) -> [Step] {
        guard let type = value["type"]?.stringValue else { throw failure("its \(component) has no type") }
        guard type == "Sequence" else { return [Step(type: type, value: value)] }
        guard let values = value[list]?.arrayValue else { throw failure("its \(component) has no \(list)") }
        var result: [Step] = []
        for value in values {
            guard let type = value["type"]?.stringValue else { throw failure("a step of its \(component) has no type") }
            result.append(Step(type: type, value: value))
        }
        return result
    }
}
