/// What is wrong with a safetensors file that is read or written, in one line.
package struct SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// The path of the file, as the caller gave it.
    package let path: String

    /// What is wrong with it.
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}
