/// What is wrong with a safetensors file or with what should become one, in one line.
package struct SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// The file, as the caller named it.
    package let path: String

    /// What is wrong with it.
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}
