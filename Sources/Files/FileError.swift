import Platform

/// An error about a file, in one line: the attempt, the path, and the reason.
package struct FileError: Error, Equatable, CustomStringConvertible {
    /// The file or directory, as the caller named it.
    package let path: String

    /// The system's error number; 0 where the error is not from the system.
    package let code: Int32

    /// The message, such as `cannot write model/config.json: no space left on device`.
    package let description: String

    package init(_ attempt: String, _ path: String, _ reason: String, code: Int32 = 0) {
        self.path = path
        self.code = code
        description = "\(attempt) \(Self.shown(path)): \(reason)"
    }

    /// The same error with the final name of a file in place of its temporary one.
    func moved(from temporary: String, to name: String) -> FileError {
        FileError(
            path: path.replacing(temporary, with: name), code: code,
            description: description.replacing(Self.shown(temporary), with: Self.shown(name)))
    }

    private init(path: String, code: Int32, description: String) {
        (self.path, self.code, self.description) = (path, code, description)
    }

    /// An error reported by the system, by default `errno`.
    init(_ attempt: String, _ path: String, code: Int32 = errno) {
        self.init(attempt, path, Self.reason(code), code: code)
    }

    /// The system's text for an error number, in lower case for the middle of a line.
    private static func reason(_ code: Int32) -> String {
        let text = String(cString: strerror(code))
        let sentence = text.prefix(1).lowercased() + text.dropFirst()
        switch code {
        case ENOSPC, EDQUOT: return sentence + "; free some space and try again"
        // The bytes to be written are in the memory of a mapped file.
        case EFAULT: return "another program shortened a file that is being read; restore it and try again"
        case ENOMEM: return sentence + "; raise the limit of memory ('ulimit -v'), or use a smaller file"
        case EMFILE: return sentence + "; raise the limit with 'ulimit -n' and try again"
        case EFBIG:
            guard let limit = ResourceLimit.fileSize.bytes else { return sentence + " for this file system" }
            return sentence + " (the limit is \(limit) bytes); raise it with 'ulimit -f' and try again"
        default: return sentence
        }
    }

    /// A path on one line: control characters are escaped.
    package static func shown(_ path: String) -> String {
        if path.isEmpty { return "a file without a name" }
        var line = ""
        for scalar in path.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F {
                line += scalar.escaped(asASCII: true)
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
