import Interchange
import Testing

@Suite struct PickleTests {
    private func text(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + text.utf8 }

    @Test("Numbers and strings")
    func values() {
        let pickle = PickleWriter.pickle { pickle in
            pickle.tuple {
                $0.integer(-2)
                $0.integer(1 << 40)
                $0.string("é")
                $0.boolean(true)
                $0.emptyTuple()
            }
        }
        #expect(
            pickle == [0x80, 2, 0x28, 0x4A, 0xFE, 0xFF, 0xFF, 0xFF, 0x8A, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0x58, 2, 0, 0, 0]
                + [0xC3, 0xA9, 0x88, 0x29, 0x74, 0x2E])
    }

    @Test("A tensor is a call of PyTorch's function with a storage, a shape and strides")
    func tensor() {
        let pickle = PickleWriter.pickle { $0.tensor(storage: "7", type: "FloatStorage", shape: [2, 3]) }
        func number(_ number: UInt8) -> [UInt8] { [0x4A, number, 0, 0, 0] }
        var expected: [UInt8] = [0x80, 2] + "ctorch._utils\n_rebuild_tensor_v2\n((".utf8
        expected += text("storage") + "ctorch\nFloatStorage\n".utf8 + text("7") + text("cpu") + number(6)
        expected += Array("tQ".utf8) + number(0)
        expected += Array("(".utf8) + number(2) + number(3) + "t(".utf8 + number(3) + number(1) + "t".utf8
        expected += [0x89] + "ccollections\nOrderedDict\n)RtR.".utf8
        #expect(pickle == expected)
    }

    @Test("An object has its attributes, and lists say their type")
    func object() {
        let pickle = PickleWriter.pickle { pickle in
            pickle.object("Model") {
                $0.string("a")
                $0.integers([1])
                $0.string("b")
                $0.dictionary([(key: "x", value: 2)])
            }
        }
        var expected: [UInt8] = [0x80, 2] + "c__torch__\nModel\n)".utf8 + [0x81] + "}(".utf8
        expected += text("a") + "ctorch.jit._pickle\nbuild_intlist\n(](".utf8 + [0x4A, 1, 0, 0, 0] + "etR".utf8
        expected += text("b") + "ctorch.jit._pickle\nrestore_type_tag\n}(".utf8 + text("x") + [0x4A, 2, 0, 0, 0]
        expected += Array("u".utf8) + text("Dict[str, int]") + [0x86] + "Rub.".utf8
        #expect(pickle == expected)
    }
}
