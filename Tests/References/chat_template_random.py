"""Random templates for make_chat_templates.py: expressions of known types, so that most of them have a value, and statements
around them. Some are wrong on purpose, where Jinja and the engine both have to fail."""
import random

VARIABLES = {
    "s": "Hello, World", "t": "  a b\tc\n", "e": "", "u8": "Straße ÉCOLE ὈΔΥΣΣΕΎΣ 😀", "q": "it's \"x\" \\ \n", "w": "one two  three",
    "n": 7, "z": 0, "m": -3, "f": 2.5, "g": -1e20, "h": 1e-7, "yes": True, "no": False, "nil": None,
    "xs": [3, 1, 2], "ys": ["b", "A", "c", "b"], "zs": [], "mix": [1, "a", None, True, 2.5, [1, 2], {"k": "v"}],
    "d": {"a": 1, "b": "two", "items": 5, "c": None}, "dd": {"x": {"y": [1, {"z": "deep"}]}, "k": "v"}, "ed": {},
    "people": [{"name": "Zoe", "age": 3, "tags": ["x"]}, {"name": "adam", "age": 30, "tags": []}, {"name": "Bob", "age": 7}],
}

STRINGS = ["s", "t", "e", "u8", "q", "w", "d.b", "d['b']", "dd.x.y[1].z", "people[0].name", "dd['k']", "ys[0]", "ys[-1]"]
INTEGERS = ["n", "z", "m", "d.a", "xs[0]", "xs[-1]", "people[1]['age']", "d['items']"]
FLOATS = ["f", "g", "h", "2.0", "0.1", "1e3", "3.75"]
LISTS = ["xs", "ys", "zs", "mix", "people", "dd.x.y"]
DICTS = ["d", "dd", "ed", "people[0]", "dd.x"]
UNDEFINED = ["nope", "d.nope", "d['nope']", "xs[99]", "s.nope", "n.nope", "people[2].tags", "nil.x", "zs[0]"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def one(self, choices):
        return self.random.choice(choices)

    def literal(self):
        text = self.pick("", "a", "ab", " x ", "b", "it's", "l", "\\n", "é", "o", ", ", "\\u00e9\\x41", "%s", "<|im_end|>", "two")
        return f'"{text}"' if "'" in text else self.pick(f'"{text}"', f"'{text}'")

    def string(self, depth):
        if depth <= 0:
            return self.pick(self.one(STRINGS), self.literal())
        s, i = (lambda: self.string(depth - 1)), (lambda: self.integer(depth - 1))
        return self.pick(
            lambda: self.one(STRINGS), self.literal,
            lambda: f"({s()} + {s()})", lambda: f"({self.any(depth - 1)} ~ {s()})",
            lambda: f"({s()}|{self.pick('upper', 'lower', 'trim', 'capitalize', 'title', 'string', 'reverse')})",
            lambda: f"{s()}.{self.pick('upper', 'lower', 'strip', 'lstrip', 'rstrip', 'title', 'capitalize')}()",
            lambda: f"{s()}.{self.pick('strip', 'lstrip', 'rstrip')}({s()})",
            lambda: f"{s()}.replace({s()}, {s()})", lambda: f"({s()}|replace({s()}, {s()}, {i()}))",
            lambda: f"{s()}.{self.pick('removeprefix', 'removesuffix')}({s()})",
            lambda: f"{s()}[{self.slice(depth - 1)}]", lambda: f"({self.list(depth - 1)}|join({s()}))",
            lambda: f"({s()}|trim({s()}))", lambda: f"({s()} * {self.pick('0', '1', '2', 'm')})",
            lambda: f"({self.any(depth - 1)}|tojson)", lambda: f"({self.any(depth - 1)}|tojson(indent={self.pick('2', '0', 'none')}))",
            lambda: f"({self.any(depth - 1)}|string)", lambda: f"({s()}|default({s()}{self.pick('', ', true')}))",
            lambda: f"({s()} if {self.condition(depth - 1)} else {s()})", lambda: f"{s()}.split({s()})[0]",
            lambda: f"({s()}|indent({self.pick('2', '', 'first=true', 'width=1, blank=true')}))",
            lambda: f"({self.pick('%s', '%5s|', '%-4s|', 'v=%r')!r} % {self.pick('s', 'n', 'f', 'yes')})",
            lambda: f"{s()}.join({self.pick('ys', 'w.split()', 's')})", lambda: f"({self.any(depth - 1)}|tojson(sort_keys=true))",
            lambda: f"('%d %s' % ({i()}, {s()}))", lambda: f"('%.{self.pick('0', '1', '3')}f' % {self.number(depth - 1)})",
        )()

    def integer(self, depth):
        if depth <= 0:
            return self.pick(self.one(INTEGERS), str(self.random.randint(-3, 12)))
        i, s = (lambda: self.integer(depth - 1)), (lambda: self.string(depth - 1))
        return self.pick(
            lambda: self.one(INTEGERS), lambda: str(self.random.randint(0, 20)),
            lambda: f"({i()} {self.pick('+', '-', '*', '//', '%')} {i()})", lambda: f"-{i()}", lambda: f"(-{i()})|abs",
            lambda: f"({s()}|length)", lambda: f"({self.list(depth - 1)}|length)", lambda: f"({self.dict(depth - 1)}|count)",
            lambda: f"{s()}.{self.pick('find', 'rfind', 'count')}({s()})", lambda: f"({s()}|int)", lambda: f"({self.number(depth - 1)}|int)",
            lambda: f"({self.pick('xs', 'range(4)')}|{self.pick('sum', 'max', 'min', 'first', 'last')})", lambda: f"({i()} ** {self.pick('0', '1', '2')})",
            lambda: f"({i()} if {self.condition(depth - 1)} else {i()})", lambda: f"(people|sum(attribute='age'))",
        )()

    def number(self, depth):
        if depth <= 0:
            return self.pick(self.one(FLOATS), self.one(INTEGERS))
        x = lambda: self.number(depth - 1)
        return self.pick(
            lambda: self.one(FLOATS), lambda: self.integer(depth - 1), lambda: f"({x()} {self.pick('+', '-', '*', '/', '//', '%')} {x()})",
            lambda: f"({x()}|round{self.pick('', '(1)', '(2)')})", lambda: f"({x()}|float)", lambda: f"({x()}|abs)", lambda: f"({self.string(depth - 1)}|float)",
        )()

    def slice(self, depth):
        bound = lambda: self.pick("", "", str(self.random.randint(-4, 5)), "n", "m")
        return self.pick(f"{bound()}:{bound()}", f"{bound()}:{bound()}:{self.pick('1', '2', '-1', '-2', '')}", "::-1", "1:", ":-1")

    def list(self, depth):
        if depth <= 0:
            return self.pick(self.one(LISTS), "range(3)|list", "['p', 'q']", "d.items()|list")
        l = lambda: self.list(depth - 1)
        return self.pick(
            lambda: self.one(LISTS), lambda: f"[{self.any(depth - 1)}, {self.any(depth - 1)}]", lambda: f"({l()} + {l()})",
            lambda: f"{l()}[{self.slice(depth - 1)}]", lambda: f"({l()}|reverse|list)", lambda: f"{self.string(depth - 1)}.split()",
            lambda: f"{self.string(depth - 1)}.split({self.string(depth - 1)})", lambda: f"{self.string(depth - 1)}.split({self.literal()}, {self.pick('1', '2', '-1')})",
            lambda: f"({self.string(depth - 1)}|list)", lambda: f"(ys|sort{self.pick('', '(reverse=true)', '(case_sensitive=true)')})", lambda: f"(xs|sort)",
            lambda: f"(people|map(attribute={self.pick('name', 'age', 'tags', 'nope')!r})|list)", lambda: f"(people|sort(attribute={self.pick('name', 'age')!r}))",
            lambda: f"(ys|map({self.pick('upper', 'length', 'trim')!r})|list)", lambda: f"(people|selectattr('age', '{self.pick('gt', '==', 'lt', '>=', 'odd')}'{self.pick(', 7', ', 3', '')})|list)",
            lambda: f"({l()}|select({self.pick(repr('string'), repr('number'), repr('defined'), repr('none'), '')})|list)", lambda: f"({l()}|reject({self.pick(repr('mapping'), repr('none'), repr('sequence'), '')})|list)",
            lambda: f"(people|rejectattr('tags')|list)", lambda: f"(ys|unique|list)", lambda: f"({l()}|batch(2)|list)", lambda: f"({l()}|batch(2, 'fill')|list)",
            lambda: f"({self.dict(depth - 1)}.{self.pick('items', 'keys', 'values')}()|list)", lambda: f"({self.dict(depth - 1)}|dictsort)", lambda: f"({self.dict(depth - 1)}|items|list)",
            lambda: f"(range({self.random.randint(-2, 5)}{self.pick('', ', 9', ', 9, 2', ', -5, -2')})|list)", lambda: f"({l()} * 2)", lambda: f"{self.string(depth - 1)}.rsplit({self.literal()}, 1)",
            lambda: f"({l()} if {self.condition(depth - 1)} else {l()})", lambda: f"{self.string(depth - 1)}.splitlines()", lambda: f"{self.string(depth - 1)}.split(none, 1)",
        )()

    def dict(self, depth):
        if depth <= 0:
            return self.one(DICTS)
        return self.pick(
            lambda: self.one(DICTS), lambda: f"{{'k': {self.any(depth - 1)}, {self.pick(self.literal(), '1', 'true', '(1, 2)')}: {self.any(depth - 1)}}}",
            lambda: f"dict(a={self.any(depth - 1)}, b={self.any(depth - 1)})", lambda: f"dict({self.dict(depth - 1)}, z=1)",
        )()

    def any(self, depth):
        return self.random.choices(
            [self.string, self.integer, self.number, self.list, self.dict, self.condition, lambda _: self.one(UNDEFINED), lambda _: "none", self.member],
            [6, 4, 2, 4, 2, 3, 1, 1, 2])[0](depth)

    def member(self, depth):
        return self.pick(
            lambda: f"{self.list(depth - 1)}[{self.random.randint(-3, 3)}]", lambda: f"{self.dict(depth - 1)}.get({self.literal()}{self.pick('', ', 4')})",
            lambda: f"{self.dict(depth - 1)}[{self.literal()}]", lambda: f"({self.list(depth - 1)}|{self.pick('first', 'last')})",
            lambda: f"({self.any(depth - 1)} or {self.any(depth - 1)})", lambda: f"({self.any(depth - 1)} and {self.any(depth - 1)})",
            lambda: f"({self.any(depth - 1)}, {self.any(depth - 1)})", lambda: f"({self.any(depth - 1)}|default({self.any(depth - 1)}{self.pick('', ', true')}))",
        )()

    def condition(self, depth):
        if depth <= 0:
            return self.pick("yes", "no", "nope", "s", "zs", "n > 3", "d")
        a, s, x = (lambda: self.any(depth - 1)), (lambda: self.string(depth - 1)), (lambda: self.number(depth - 1))
        tests = ["defined", "undefined", "none", "string", "mapping", "sequence", "iterable", "number", "integer", "float", "boolean", "true", "false", "callable", "lower", "upper"]
        return self.pick(
            lambda: f"({a()} {self.pick('==', '!=')} {a()})", lambda: f"({x()} {self.pick('<', '<=', '>', '>=', '==')} {x()})",
            lambda: f"({s()} {self.pick('<', '>', '==', 'in', 'not in')} {s()})", lambda: f"({x()} < {x()} <= {x()})",
            lambda: f"({a()} {self.pick('in', 'not in')} {self.pick(self.list(depth - 1), self.dict(depth - 1))})",
            lambda: f"(not {self.condition(depth - 1)})", lambda: f"({self.condition(depth - 1)} {self.pick('and', 'or')} {self.condition(depth - 1)})",
            lambda: f"({a()} is {self.pick('', 'not ')}{self.one(tests)})", lambda: f"({self.integer(depth - 1)} is {self.pick('odd', 'even', 'divisibleby 3', 'gt 2', 'in xs')})",
            lambda: f"{s()}.{self.pick('startswith', 'endswith')}({s()})", lambda: f"({a()} is {self.pick('equalto', 'eq', 'ne', '==')}({a()}))",
            lambda: f"{s()}.{self.pick('isdigit', 'isalpha', 'isspace', 'isupper', 'islower', 'isalnum')}()", lambda: f"({a()} {self.pick('<', '>=')} {a()})",
        )()

    # Statements

    def tag(self, content):
        return "{%" + self.pick("", "", "-", "+") + f" {content} " + self.pick("", "", "-", "+") + "%}"

    def text(self):
        return self.pick("", "", "x", " ", "\n", "\n\n", "  \n", " y ", "\t", "end.", "\n  ", "{", "{# c #}", "{#- c -#}\n", "{% raw %} {{ r }} {% endraw %}")

    def name(self):
        return self.pick("v0", "v1", "v2", "s", "n")

    def body(self, depth, in_loop=False):
        return self.text() + "".join(self.statement(depth, in_loop) + self.text() for _ in range(self.random.randint(1, 3)))

    def statement(self, depth, in_loop):
        output = lambda: "{{" + self.pick("", "-") + f" {self.any(self.random.randint(0, 2))} " + self.pick("", "-") + "}}"
        if depth <= 0:
            return output()
        body = lambda loop=in_loop: self.body(depth - 1, loop)
        loops = lambda: self.pick("loop.index", "loop.index0", "loop.first", "loop.last", "loop.length", "loop.revindex", "loop.previtem", "loop.nextitem", "loop.cycle('a', 'b')", "loop.changed(i)")
        choices = [
            output, output,
            lambda: self.tag(f"if {self.condition(1)}") + body() + self.pick("", self.tag(f"elif {self.condition(1)}") + body()) + self.pick("", self.tag("else") + body()) + self.tag("endif"),
            lambda: self.tag(f"for i in {self.list(1)}{self.pick('', '', ' if ' + self.pick('i', 'i is string', 'loop is undefined', 'i != 3'))}") + body(True)
            + f"{{{{ {loops()} }}}}" + "{{ i }}" + self.pick("", self.tag("else") + body()) + self.tag("endfor"),
            lambda: self.tag("for k, v in " + self.pick("d.items()", "dd|dictsort", "d|items", "[(1, 2), 'ab']")) + "{{ k }}={{ v }}" + body(True) + self.tag("endfor"),
            lambda: self.tag(f"set {self.name()} = {self.any(1)}"), lambda: self.tag(f"set {self.name()}, {self.name()} = {self.any(1)}, {self.any(1)}"),
            lambda: self.tag(f"set {self.name()}{self.pick('', ' | upper', ' | trim')}") + body() + self.tag("endset"),
            lambda: "{{ v0 }}{{ v1 }}", lambda: self.tag("set space = namespace(a=1, b='x')") + self.tag(f"for i in {self.list(0)}") + self.tag(f"set space.a = {self.any(1)}") + self.tag("endfor") + "{{ space.a }}{{ space.c }}",
            lambda: self.macro(depth), lambda: self.tag("filter " + self.pick("upper", "trim", "replace('a', 'b')", "upper | lower")) + body() + self.tag("endfilter"),
            lambda: self.tag(f"with v0 = {self.any(1)}, v1 = v0") + body() + "{{ v1 }}" + self.tag("endwith"),
            lambda: self.tag("generation") + self.body(depth - 1) + self.tag("endgeneration"),
        ]
        if in_loop:
            choices.append(lambda: self.tag(f"if {self.condition(1)}") + self.tag(self.pick("break", "continue")) + self.tag("endif"))
        return self.one(choices)()

    def macro(self, depth):
        self.names += 1
        name = f"mac{self.names}"
        call = self.pick(f"{name}({self.any(1)})", f"{name}({self.any(1)}, {self.any(1)})", f"{name}(p={self.any(1)})", f"{name}()", f"{name}(1, q=2)")
        extra = self.pick("", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else '' }}")
        text = self.tag(f"macro {name}(p, q={self.any(0)})") + "{{ p }}|{{ q }}" + extra + self.body(depth - 1) + self.tag("endmacro")
        used = f"{{{{ {call} }}}}" if self.random.random() < 0.8 else self.tag(f"call {call}") + "inner" + self.tag("endcall")
        return text + used

    def template(self):
        if self.random.random() < 0.5:
            return f"{{{{ {self.any(self.random.randint(1, 3))} }}}}"
        return self.body(self.random.randint(1, 3))


def templates(seed, count):
    return [Generator(f"{seed}/{number}").template() for number in range(count)]
