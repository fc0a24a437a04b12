/// Writes the pickle with the objects of a TorchScript archive: a program for a stack machine (Python's `pickletools`, protocol 2),
/// with twenty of its instructions. Pickles are never read, because reading one means running an untrusted program.
///
/// Each method pushes one value. Repeated values are written again instead of using the memo of the machine.
package struct PickleWriter {
    private(set) var bytes: [UInt8] = []

    private enum Instruction: UInt8 {
        case version = 0x80
        case global = 0x63  // c
        case mark = 0x28  // (
        case emptyTuple = 0x29  // )
        case emptyList = 0x5D  // ]
        case emptyDictionary = 0x7D  // }
        case string = 0x58  // X
        case integer32 = 0x4A  // J
        case integer = 0x8A
        case yes = 0x88
        case no = 0x89
        case tuple = 0x74  // t
        case pair = 0x86
        case setItems = 0x75  // u
        case appendAll = 0x65  // e
        case persistentID = 0x51  // Q
        case newObject = 0x81
        case call = 0x52  // R
        case build = 0x62  // b
        case stop = 0x2E  // .
    }

    private mutating func append(_ instruction: Instruction) { bytes.append(instruction.rawValue) }

    /// The pickle of the value that `body` pushes.
    package static func pickle(_ body: (inout PickleWriter) -> Void) -> [UInt8] {
        var pickle = PickleWriter()
        pickle.append(.version)
        pickle.bytes.append(2)
        body(&pickle)
        pickle.append(.stop)
        return pickle.bytes
    }

    // MARK: Values of Python

    package mutating func string(_ string: String) {
        append(.string)
        bytes.append(littleEndian: UInt32(string.utf8.count))
        bytes += string.utf8
    }

    package mutating func integer(_ number: Int) {
        if let small = Int32(exactly: number) {
            append(.integer32)
            bytes.append(littleEndian: small)
        } else {
            append(.integer)
            bytes.append(8)
            bytes.append(littleEndian: Int64(number))
        }
    }

    package mutating func boolean(_ value: Bool) { append(value ? .yes : .no) }

    package mutating func emptyTuple() { append(.emptyTuple) }

    /// A tuple of the values that `body` pushes.
    package mutating func tuple(_ body: (inout PickleWriter) -> Void) {
        append(.mark)
        body(&self)
        append(.tuple)
    }

    /// A list of the values that `body` pushes.
    private mutating func list(_ body: (inout PickleWriter) -> Void) {
        append(.emptyList)
        append(.mark)
        body(&self)
        append(.appendAll)
    }

    /// A dictionary of the keys and values that `body` pushes alternately.
    private mutating func dictionary(_ body: (inout PickleWriter) -> Void) {
        append(.emptyDictionary)
        append(.mark)
        body(&self)
        append(.setItems)
    }

    /// A class or function by its module and name.
    private mutating func global(_ module: String, _ name: String) {
        append(.global)
        bytes += "\(module)\n\(name)\n".utf8
    }

    // MARK: Values of TorchScript

    /// An object of a class in the code of the archive. `attributes` pushes the names and values of its attributes alternately.
    package mutating func object(_ name: String, attributes: (inout PickleWriter) -> Void) {
        global("__torch__", name)
        append(.emptyTuple)
        append(.newObject)
        dictionary(attributes)
        append(.build)
    }

    /// `List[int]`
    package mutating func integers(_ numbers: [Int]) {
        global("torch.jit._pickle", "build_intlist")
        tuple { pickle in pickle.list { pickle in for number in numbers { pickle.integer(number) } } }
        append(.call)
    }

    /// A list or dictionary with an explicit type, such as `Dict[int, int]`.
    private mutating func typed(_ type: String, _ body: (inout PickleWriter) -> Void) {
        global("torch.jit._pickle", "restore_type_tag")
        body(&self)
        string(type)
        append(.pair)
        append(.call)
    }

    /// `List[str]`
    package mutating func strings(_ strings: [String]) {
        typed("List[str]") { pickle in
            pickle.list { pickle in for string in strings { pickle.string(string) } }
        }
    }

    /// `Dict[int, int]`
    package mutating func dictionary(_ pairs: [(key: Int, value: Int)]) {
        typed("Dict[int, int]") { pickle in
            pickle.dictionary { pickle in
                for (key, value) in pairs {
                    pickle.integer(key)
                    pickle.integer(value)
                }
            }
        }
    }

    /// `Dict[str, int]`
    package mutating func dictionary(_ pairs: [(key: String, value: Int)]) {
        typed("Dict[str, int]") { pickle in
            pickle.dictionary { pickle in
                for (key, value) in pairs {
                    pickle.string(key)
                    pickle.integer(value)
                }
            }
        }
    }

    /// A tensor whose elements are those of a whole storage, in row-major order.
    /// - Parameters:
    ///   - storage: the name of the storage's entry in the folder `data`.
    ///   - type: the class of the storage in PyTorch, such as `FloatStorage`.
    ///   - shape: the shape of the tensor.
    package mutating func tensor(storage: String, type: String, shape: [Int]) {
        var strides: [Int] = []
        var count = 1
        for length in shape.reversed() {
            strides.insert(count, at: 0)
            count *= length
        }
        global("torch._utils", "_rebuild_tensor_v2")
        tuple { pickle in
            pickle.tuple { pickle in
                pickle.string("storage")
                pickle.global("torch", type)
                pickle.string(storage)
                pickle.string("cpu")
                pickle.integer(count)
            }
            pickle.append(.persistentID)
            pickle.integer(0)  // the offset in the storage
            pickle.tuple { pickle in for length in shape { pickle.integer(length) } }
            pickle.tuple { pickle in for stride in strides { pickle.integer(stride) } }
            pickle.boolean(false)  // requires_grad
            pickle.global("collections", "OrderedDict")  // no hooks
            pickle.append(.emptyTuple)
            pickle.append(.call)
        }
        append(.call)
    }
}
