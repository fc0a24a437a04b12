import ChatTemplates
import StrictJSON
import Testing

@Suite struct ChatTemplateErrors {
    @Test(
        "An error is one line with the line of the template",
        arguments: [
            ("a\n{{ nope.x }}", 2, "'nope' is undefined"), ("\n\n{% if %}", 3, "an expression is expected, not %}"),
            ("{{ 1 +\n\n }}", 3, "an expression"), ("{% for x in y %}\n\n\n", 3, "{% endfor %} is missing"),
            ("{{ 'a\nb' + 1 }}", 1, "+ is not defined for str and int"),
            ("{% if a %}\n{% endfor %}", 2, "{% endfor %}"),
            ("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}", 2, "division by zero"),
            ("{# a\nb", 1, "comment"),
            ("{% raw %}\nx", 1, "{% endraw %}"), ("{{ 'a", 1, "a string does not end"),
            ("{{ (1] }}", 1, ") is missing"),
            ("{{ a ? b }}", 1, "unexpected character ?"), ("{{ 99999999999999999999 }}", 1, "64 bits"),
            ("{{ 9223372036854775807 + 1 }}", 1, "64 bits"), ("{{ 3 ** 41 }}", 1, "64 bits"),
            ("{{ raise_exception('a\nb\u{1B}\u{2028}') }}", 1, "it refuses the conversation: a\\nb\\x1b\\u2028"),
        ] as [(String, Int, String)])
    func lines(_ source: String, line: Int, problem: String) throws {
        let error = #expect(throws: ChatTemplateError.self) { try render(source) }
        #expect(error?.line == line)
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix("chat template, line \(line): ") == true)
        #expect(error?.description.utf8.contains { $0 < 0x20 } == false)
        #expect(error?.isRaisedByTemplate == source.contains("raise_exception"))
    }

    @Test(
        "What is not supported is an error that names it",
        arguments: [
            ("{% include 'x' %}", "include"), ("{% extends 'x' %}", "extends"),
            ("{% block x %}{% endblock %}", "block"),
            ("{% import 'x' as y %}", "import"), ("{% from 'x' import y %}", "from"),
            ("{% autoescape true %}", "autoescape"),
            ("{% do x %}", "do"), ("{% for x in [1] recursive %}{% endfor %}", "recursive"),
            ("{{ x[1:2, 3] }}", "slices"),
            ("{{ 'a' | urlize }}", "'urlize'"), ("{{ 'a' | nothing }}", "'nothing'"),
            ("{{ 'a' is nothing }}", "'nothing'"),
            ("{{ 'a'.swapcase() }}", "'swapcase'"), ("{{ 'a'.format(1) }}", "'format'"),
            ("{{ cycler(1) }}", "'cycler'"),
            ("{{ '\\N{DASH}' }}", "\\N"), ("{{ (5).bit_length() }}", "'bit_length'"), ("{{ '%g' % 1.5 }}", "%g"),
            ("{{ [1].append(2) }}", "'append'"), ("{{ {}.update({}) }}", "'update'"),
            ("{{ 'abc'.splitlines(true) }}", "splitlines"),
        ])
    func namesWhatIsNotSupported(_ source: String, _ name: String) throws {
        let error = #expect(throws: ChatTemplateError.self) { try render(source) }
        #expect(error?.description.contains(name) == true, "\(error?.description ?? "")")
    }

    @Test(
        "Objects without a text are an error, where Python shows their address",
        arguments: ["'a'.upper", "range", "[1]|map('upper')"])
    func addresses(_ expression: String) {
        #expect(throws: ChatTemplateError.self) { try render("{{ \(expression) }}") }
    }

    @Test func greatestLength() {
        #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(String(repeating: "a", count: ChatTemplate.greatestLength + 1))
        }
        #expect(throws: Never.self) { try ChatTemplate(String(repeating: "a", count: ChatTemplate.greatestLength)) }
    }
}
