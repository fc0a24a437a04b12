import Files
import FuzzTargets
import TestSupport
import Testing

/// Inputs that once failed, or might have: each parser must accept or reject them without a trap.
@Suite struct HostileInputs {
    private static let targets: [any FuzzTarget] = ((try? FuzzSuite.all()) ?? []).flatMap(\.targets)

    @Test("There is a target for every directory of inputs, and names are unique")
    func folders() throws {
        let names = Self.targets.map(\.name)
        #expect(Set(names).count == names.count)
        for folder in try Files.contents(ofDirectory: Fixtures.hostile) {
            #expect(names.contains(folder), "there is no fuzz target \(folder)")
        }
    }

    @Test(arguments: targets.map(\.name))
    func savedInputs(_ name: String) throws {
        let target = try #require(Self.targets.first { $0.name == name })
        let folder = "\(Fixtures.hostile)/\(name)"
        guard Files.exists(folder) else { return }
        for file in try Files.contents(ofDirectory: folder) {
            #expect(throws: Never.self, "\(name)/\(file)") { try target.run(try Fixtures.bytes("\(folder)/\(file)")) }
        }
    }

    @Test("The first inputs of every target, which are reproducible", arguments: targets.map(\.name))
    func firstInputs(_ name: String) throws {
        let target = try #require(Self.targets.first { $0.name == name })
        for seed: UInt64 in 1...100 {
            var generator = SeededGenerator(seed: seed)
            let input = target.input(using: &generator)
            #expect(throws: Never.self, "\(name), seed \(seed)") { try target.run(input) }
        }
    }

    @Test("A failed check is reported")
    func failures() {
        #expect(throws: FuzzFailure.self) { try demand(false, "it is wrong") }
        #expect(throws: FuzzFailure.self) { try demandOneLine(FuzzFailure("two\nlines")) }
        #expect(throws: FuzzFailure.self) { try demandOneLine(FuzzFailure("")) }
        #expect(throws: Never.self) { try demandOneLine(FuzzFailure("one line")) }
    }
}
