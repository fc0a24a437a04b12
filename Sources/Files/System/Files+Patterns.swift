import Platform

extension Files {
    /// Replaces patterns by the files that they match, in the order of their names: `*` stands for any characters except `/`, `?`
    /// for one of them, and `[abc]` for one of those in brackets.
    /// - Parameter patterns: patterns, and names of files. A file that exists is meant, even if its name is a pattern.
    /// - Returns: the names of files.
    /// - Throws: `FileError` if no file matches a pattern.
    package static func matching(_ patterns: [String]) throws(FileError) -> [String] {
        var files: [String] = []
        for pattern in patterns {
            guard pattern.contains(where: { "*?[".contains($0) }), !exists(pattern) else {
                files.append(pattern)
                continue
            }
            var result = glob_t()
            defer { globfree(&result) }
            guard glob(pattern, 0, nil, &result) == 0 else {
                throw FileError("cannot read", pattern, "no file matches this pattern")
            }
            files += (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
        }
        return files
    }
}
