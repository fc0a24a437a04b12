import Files
import Tensors

/// An ONNX file, whose weights are read only when they are needed.
///
/// The file is not trusted: every length is checked against the bytes of the file, a tensor must have exactly the bytes of its
/// shape, deeper nesting than exports need is an error, and the name of a file of weights is never used as a path.
package final class ONNXFile {
    /// The path that the file was opened by.
    package let path: String
    /// The model, without the numbers of its weights.
    package let model: ONNXModel
    private let file: MappedFile
    private let data: MappedFile?

    /// - Parameters:
    ///   - path: the file.
    ///   - data: the path of the file of its weights, if it has one.
    package init(path: String, data: String? = nil) throws {
        self.path = path
        file = try MappedFile(path: path)
        self.data = try data.map { try MappedFile(path: $0) }
        let reader = ONNXReader(path: path, bytes: file.bytes)
        model = try withExtendedLifetime(file) { try reader.readModel() }
    }

    /// The location of a tensor's bytes: in this file, or in that of its weights.
    package func location(of tensor: ONNXTensor) throws(ModelError) -> (file: MappedFile, range: Range<Int>) {
        switch tensor.content {
        case .range(let range): return (file, range)
        case .external(_, let offset, let count):
            guard let data else {
                throw ModelError(
                    path: path, reason: "the data of \(quoted(tensor.name)) is in another file, which was not given")
            }
            guard count <= data.bytes.count, offset <= data.bytes.count - count else {
                throw ModelError(
                    path: data.path, reason: "truncated: the tensor \(quoted(tensor.name)) lies beyond its end")
            }
            return (data, offset..<offset + count)
        case .bytes, .parameter: preconditionFailure("a tensor that was not read from a file")
        }
    }
}
