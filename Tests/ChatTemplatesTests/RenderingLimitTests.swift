import ChatTemplates
import Platform
import StrictJSON
import Testing

/// Templates that would never end, or need more memory or stack than there is, are an error.
@Suite struct RenderingLimitTests {
    private static let loop = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"
    private static let ends = "{% endfor %}{% endfor %}{% endfor %}"

    @Test(
        arguments: [
            loop + "x" + ends, loop + ends, loop + "{% set x = a %}" + ends,
            "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
            "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
            "{% set ns = namespace(x=(1,)) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
            "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
            "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
            "{{ 'a' * 9999999999 }}", "{{ [1] * 999999999 }}", "{{ 'ab' * 4611686018427387904 }}",
            "{{ 'a' | indent(9999999999) }}", "{{ [1] | tojson(indent=9999999999) }}",
            "{{ [1] | batch(9999999999, 0) | list }}", "{{ [1] | batch(9223372036854775807, 0) | list }}",
            "{{ '%999999999s' % 1 }}", "{{ '%.999999999f' % 1 }}",
            "{{ (('a' * 9999999).replace('', 'b' * 999)) }}", "{{ ('a' * 9999) .join(range(99999) | map('string')) }}",
            "{{ range(999999) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}",
            "{% for a in range(99999) %}{{ ('a' * 99999) in ('b' * 99999) }}{% endfor %}",
        ])
    func bounded(_ source: String) {
        var limits = RenderingLimits()
        // A fraction of what is usual, so that the test is fast.
        limits.steps /= 20
        limits.memory /= 10
        let error = #expect(throws: ChatTemplateError.self) { try render(source, limits: limits) }
        #expect(error?.description.utf8.contains(0x0A) == false)
    }

    private static func nested(_ opening: String, _ closing: String, _ count: Int) -> String {
        String(repeating: opening, count: count) + "1" + String(repeating: closing, count: count)
    }

    private static func repeatedly(_ assignment: String, then last: String) -> String {
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = \(assignment) %}{% endfor %}\(last)"
    }

    /// Each of these is as deep as it can be.
    private static let deep: [String] = [
        "{{ " + nested("(", ")", 100_000) + " }}", "{{ " + nested("[", "]", 100_000) + " }}",
        "{{ " + nested("-", "", 100_000) + " }}",
        "{{ " + nested("not ", "", 100_000) + " }}", "{{ 1" + String(repeating: " + 1", count: 100_000) + " }}",
        "{{ 1" + String(repeating: " if 1 else 1", count: 100_000) + " }}",
        "{{ a" + String(repeating: ".a", count: 100_000) + " }}",
        "{{ a" + String(repeating: "|upper", count: 100_000) + " }}", "{{ " + nested("{1: ", "}", 100_000) + " }}",
        nested("{% if 1 %}", "{% endif %}", 100_000), nested("{% for x in [1] %}", "{% endfor %}", 59),
        "{{ " + nested("[", "]", 78) + " }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(x) %}{{ caller() }}{% endmacro %}{% call m() %}{% call m() %}{% endcall %}{% endcall %}",
        "{% macro m(x) %}{% for i in [1] %}{% if 1 %}{{ [m([x])] | string }}{% endif %}{% endfor %}{% endmacro %}{{ m(1) }}",
        repeatedly("[ns.x]", then: "{{ ns.x }}"), repeatedly("(ns.x,)", then: "{{ {ns.x: 1} }}"),
        repeatedly("{'a': ns.x}", then: "{{ ns.x | tojson }}"),
        repeatedly("ns.x | map('list')", then: "{{ ns.x | list }}"),
        repeatedly("ns.x | select('none')", then: "{{ ns.x | list }}"),
        repeatedly("ns.x | reverse", then: "{{ ns.x | list }}"), repeatedly("[ns.x].copy", then: "{{ ns.x }}"),
        repeatedly("dict(a=ns.x)", then: "{{ ns.x == ns.x }}"),
        repeatedly("ns", then: "{{ ns }}"), repeatedly("namespace(x=ns.x)", then: "{{ ns }}"),
        repeatedly("loop", then: "{{ ns.x.index }}"),
        "{% set ns = namespace(m=1) %}{% for i in range(9999) %}{% macro m() %}{{ i }}{% endmacro %}{% set p = ns.m %}{% set ns.m = m %}{% endfor %}{{ ns.m() }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% for j in ns.x %}{% set ns.x = [loop] %}{% endfor %}{% endfor %}",
    ]

    @Test("Nesting of any kind fits in the smallest stack that a thread has on any system: 512 KiB")
    func depth() throws {
        let thread = SmallThread { for source in Self.deep { _ = try? render(source) } }
        #expect(thread.run())
        #expect(throws: ChatTemplateError.self) { try render(Self.deep[0]) }
        #expect(throws: Never.self) { try render("{{ " + Self.nested("[", "]", 50) + " }}") }
    }

    @Test("Variables may be as deep as JSON is")
    func deepVariables() throws {
        let text = String(repeating: "[", count: 250) + String(repeating: "]", count: 250)
        let thread = SmallThread {
            _ = try? render("{{ x }}{{ x | tojson }}{{ x == [x] }}", ["x": try JSON(parsing: text)])
        }
        #expect(thread.run())
        #expect(try render("{{ x | tojson }}", ["x": JSON(parsing: text)]) == text)
    }
}

/// A thread with a stack of 512 KiB, which is what threads have on macOS.
private final class SmallThread {
    private let body: () throws -> Void

    init(_ body: @escaping () throws -> Void) { self.body = body }

    /// Whether the body ran to its end.
    func run() -> Bool {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0,
            pthread_attr_setstacksize(&attributes, 512 << 10)
                == 0
        else {
            return false
        }
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let context = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Darwin)
            let status = pthread_create(&thread, &attributes, { Self.start($0) }, context)
            guard status == 0, let thread else { return false }
        #else
            let status = pthread_create(&thread, &attributes, { $0.flatMap { SmallThread.start($0) } }, context)
            guard status == 0 else { return false }
        #endif
        return pthread_join(thread, nil) == 0
    }

    private static func start(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        try? Unmanaged<SmallThread>.fromOpaque(context).takeRetainedValue().body()
        return nil
    }
}
