import Files
import TestSupport
import Testing

@Suite struct PublishedFileTests {
    private static let text = "published"

    private static func file(_ text: String) -> PublishedFile {
        PublishedFile(
            name: "swift-gpt-test-\(text)", url: "https://localhost/none",
            sha256: SHA256.hexDigest(of: Array(text.utf8)))
    }

    @Test func acceptsOnlyThePublishedContents() throws {
        let directory = TemporaryDirectory()
        let path = try directory.file(containing: Self.text)
        #expect(try Self.file(Self.text).contents(at: path) == Array(Self.text.utf8))
        #expect(throws: PublishedFile.Failure.self) { try Self.file("another").contents(at: path) }
        #expect(throws: FileError.self) { try Self.file(Self.text).contents(at: directory.file("none")) }
    }

    @Test func isNotDownloadedUnlessAllowed() throws {
        let file = Self.file(Self.text)
        #expect(!file.isPresent)
        #expect(throws: PublishedFile.Failure.self) {
            try file.contents(mayDownload: false) { Issue.record("it would be downloaded") }
        }
    }
}
