import ArgumentParser
import FuzzTargets
import Platform
import TestSupport

/// `Fuzz`: random inputs for every parser of untrusted bytes.
@main struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Fuzz",
        abstract: "Run parsers and encoders on random and mutated inputs.",
        discussion: """
            An input is a function of the seed and its number, so failures are reproducible. For an input that fails, or \
            that takes longer than 10 seconds of processor time, the seed is printed and its bytes are written to a file. \
            To run it with the tests from then on, put that file into the folder of its target in Tests/Fixtures/Hostile/.

              swift run -c release Fuzz tokenizers --seconds 20
              swift run -c release Fuzz tokenizer-json --seed 1234 --runs 1
              swift run -c release Fuzz tokenizer-json --replay Fuzz-tokenizer-json-1234.input

            \(suites)
            """)

    private static var suites: String {
        guard let suites = try? FuzzSuite.all() else { return "" }
        return suites.map { suite in
            "\(suite.name): \(suite.about) (\(suite.targets.map(\.name).joined(separator: ", ")))."
        }.joined(separator: "\n")
    }

    @Argument(help: "The name of a suite, or of one of its targets.")
    var what: String

    @Option(help: "The time limit, in seconds.") var seconds = 20.0

    @Option(help: "The maximum number of inputs. (default: as many as fit in the time)") var runs: UInt64?

    @Option(help: "The seed of the first input; it increases by one for each input.") var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Run only the input in this file.", valueName: "file")) var replay: String?

    @Option(help: ArgumentHelp("Where failing inputs are written.", valueName: "directory")) var out = "."

    func run() throws {
        let suites = try FuzzSuite.all()
        let targets =
            suites.first { $0.name == what }?.targets ?? suites.flatMap(\.targets).filter { $0.name == what }
        guard !targets.isEmpty else {
            let names = suites.flatMap { [$0.name] + $0.targets.map(\.name) }.joined(separator: ", ")
            throw ValidationError("There is nothing called '\(what)'; choose from \(names).")
        }
        if let replay {
            let input = try Fixtures.bytes(replay)
            for target in targets { try feed(input, to: target, seed: nil) }
            return print("\(replay): \(input.count) bytes, nothing went wrong")
        }
        try fuzz(targets)
    }

    private func fuzz(_ targets: [any FuzzTarget]) throws {
        let begin = ContinuousClock.now
        var counts = [Int](repeating: 0, count: targets.count)
        var bytes = 0
        var number: UInt64 = 0
        while number < runs ?? .max, ContinuousClock.now - begin < .seconds(seconds) {
            let index = Int(number % UInt64(targets.count))
            var generator = SeededGenerator(seed: seed &+ number)
            let input = targets[index].input(using: &generator)
            try feed(input, to: targets[index], seed: seed &+ number)
            counts[index] += 1
            bytes += input.count
            number += 1
        }
        let parts = zip(targets, counts).map { "\($0.name) \($1)" }.joined(separator: ", ")
        print("\(number) inputs of \(bytes) bytes together, seeds from \(seed) on: \(parts); nothing went wrong")
    }

    private func feed(_ input: [UInt8], to target: any FuzzTarget, seed: UInt64?) throws {
        let path = "\(out)/Fuzz-\(target.name)-\(seed.map { "\($0)" } ?? "replayed").input"
        Watch.begin(input, "\(target.name)\(seed.map { ", seed \($0)" } ?? "")", path)
        do { try target.run(input) } catch {
            Watch.end()
            print("\(target.name)\(seed.map { ", seed \($0)" } ?? ""): \(error)\nthe input is in \(path)")
            _ = Fixtures.write(input, to: path)
            throw ExitCode.failure
        }
        Watch.end()
    }
}
