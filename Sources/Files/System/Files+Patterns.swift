import Platform

extension Files {
    /// Expands patterns of file names, as a shell does.
    ///
    /// `*` matches any number of characters, `?` one character, and `[abc]` one of the characters in brackets. None of them
    /// matches `/`.
    /// - Parameter patterns: patterns or file names. A name of an existing file is not expanded.
    /// - Returns: the file names; those of a pattern are sorted.
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
