import Files
import TestSupport
import Testing

@Suite struct SHA256Digests {
    /// The examples of FIPS 180-4 and of NIST's long message test.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func published(_ text: String, _ digest: String) {
        #expect(SHA256.hexDigest(of: text.utf8) == digest)
        for usesInstructions in [true, false] {
            var hash = SHA256(usesInstructions: usesInstructions)
            hash.update(text.utf8)
            #expect(SHA256.hexadecimal(hash.finalize()) == digest)
        }
    }

    /// In chunks of any size, also around the ends of blocks and of the padding, the digest is the same.
    @Test(arguments: [1, 3, 55, 56, 63, 64, 65, 127, 1000]) func chunks(_ size: Int) {
        var generator = SeededGenerator(seed: 3)
        let data = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for length in [size - 1, size, size + 1, 1000] where length <= data.count {
            var hash = SHA256()
            for start in stride(from: 0, to: length, by: size) { hash.update(data[start..<min(start + size, length)]) }
            #expect(SHA256.hexadecimal(hash.finalize()) == SHA256.hexDigest(of: data[..<length]))
        }
    }

    @Test func files() throws {
        let directory = TemporaryDirectory()
        try AtomicFile.write("abc", to: directory.file("a"))
        #expect(try SHA256.hexDigest(ofFile: directory.file("a")) == SHA256.hexDigest(of: "abc".utf8))
    }
}
