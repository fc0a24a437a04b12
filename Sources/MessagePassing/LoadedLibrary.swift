import Platform

/// A problem with MPI, with a message of one line.
public struct MessagePassingError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A library of MPI that is loaded while the program runs. Nothing of MPI is needed to build the program.
struct LoadedLibrary {
    /// What dlopen returned. The library is never closed.
    private let handle: UnsafeMutableRawPointer
    let name: String
    let interface: BinaryInterface

    /// Opens the library of a launcher.
    /// - Parameter wanted: the library that the user has named, if any.
    static func open(for launcher: Launcher, wanted: String?) throws -> LoadedLibrary {
        let names = BinaryInterface.names(for: launcher.kind)
        let candidates =
            wanted.map { [$0] } ?? foldersOfLauncher.flatMap { folder in
                names.map { "\(folder)/\($0)" }
            }.filter { access($0, R_OK) == 0 } + names
        var reason = ""
        for candidate in candidates {
            // Open MPI loads parts of itself that need its symbols, so these must be visible to all.
            if let handle = dlopen(candidate, RTLD_NOW | RTLD_GLOBAL) {
                return LoadedLibrary(handle: handle, name: candidate, interface: interface(of: handle, candidate))
            }
            if reason.isEmpty { reason = dlerror().map { String(cString: $0) } ?? "" }
        }
        let sought = wanted ?? names.joined(separator: ", ")
        throw MessagePassingError(
            "\(launcher.name) has started \(launcher.size) processes, but they cannot find each other: "
                + (sought.isEmpty
                    ? "it is not one of MPI" : "no library of MPI can be loaded (\(reason.isEmpty ? sought : reason))")
                + "; \(launcher.advice)")
    }

    /// The folders of libraries beside the program that has started this process, which is a part of its launcher: they come
    /// first, because a machine can have several libraries of MPI.
    private static var foldersOfLauncher: [String] {
        #if os(Linux)
            var path = [CChar](repeating: 0, count: 4096)
            let length = readlink("/proc/\(getppid())/exe", &path, path.count - 1)
            guard length > 0 else { return [] }
            let parent = String(decoding: path[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let parts = parent.split(separator: "/")
            guard parts.count > 2, parts[parts.count - 2] == "bin" else { return [] }
            let prefix = "/" + parts.dropLast(2).joined(separator: "/")
            return ["\(prefix)/lib", "\(prefix)/lib64"]
        #else
            return []
        #endif
    }

    /// The ABI of a library. MPICH 5 has the functions of the standard ABI in both of its libraries, so the name decides.
    private static func interface(of handle: UnsafeMutableRawPointer, _ name: String) -> BinaryInterface {
        if dlsym(handle, BinaryInterface.openMPISymbols.world) != nil { return .openMPI }
        return (name.split(separator: "/").last ?? "").contains("mpi_abi") ? .standard : .mpich
    }

    /// The address of a function or an object.
    func address(_ symbol: String) throws -> UnsafeMutableRawPointer {
        guard let address = dlsym(handle, symbol) else {
            throw MessagePassingError(
                "\(name) is no library of MPI that can be used: it has no \(symbol); name another with GPT_MPI_LIBRARY")
        }
        return address
    }

    /// A C function.
    /// - Parameters:
    ///   - symbol: its name.
    ///   - type: its type, `@convention(c)`.
    func function<Function>(_ symbol: String, as type: Function.Type) throws -> Function {
        unsafeBitCast(try address(symbol), to: type)
    }
}
