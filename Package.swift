// swift-tools-version: 6.2

import PackageDescription

// The rooms that a user of the library sees, each on those before it. A target names every room whose types it uses, also
// those it gets through another: it is only rebuilt for a change in a room that it names.
let models: [Target.Dependency] = ["Tensors", "Layers", "LanguageModels"]
let rooms: [Target.Dependency] = models + ["Tokenizers", "Interchange", "Training"]

let package = Package(
    name: "swift-gpt",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(
            name: "GPTKit",
            targets: ["GPTKit", "Tensors", "Layers", "LanguageModels", "Tokenizers", "Interchange", "Training"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .executable(name: "gpt", targets: ["gpt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    ],
    targets: [
        // Leaves: no dependency of ours.
        .target(
            name: "CKernels", cSettings: [.headerSearchPath("internal")],
            linkerSettings: [.linkedFramework("Accelerate", .when(platforms: [.macOS, .iOS]))]),
        .target(name: "CFiles"),
        // Replaces malloc, so it is linked into programs alone, never into the library.
        .target(name: "CAllocation", dependencies: ["CKernels"]),
        .target(name: "Files", dependencies: ["CFiles"]),
        .target(name: "StrictJSON"),

        // Text to ids and back. Stands alone but for the JSON reader.
        .target(name: "Tokenizers", dependencies: ["StrictJSON"]),

        // The engine and the models, each on the one before it.
        .target(name: "Tensors", dependencies: ["CKernels"]),
        .target(name: "Layers", dependencies: ["Tensors"]),
        .target(name: "LanguageModels", dependencies: ["Tensors", "Layers"]),
        .target(name: "Interchange", dependencies: models + ["Tokenizers", "StrictJSON", "Files"]),
        .target(name: "Training", dependencies: models + ["Interchange", "Tokenizers", "StrictJSON", "Files"]),

        // What a user imports, and what a user runs.
        .target(name: "GPTKit", dependencies: rooms),
        .executableTarget(
            name: "gpt",
            dependencies: rooms + [
                "GPTKit", "Files", "StrictJSON", "CKernels", "CAllocation",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests mirror the sources; Support is what they share.
        .target(name: "TestSupport", dependencies: ["Tensors", "Files"], path: "Tests/Support"),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON", "Files", "TestSupport"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "StrictJSON", "TestSupport", "FuzzTargets"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "CKernels", "TestSupport"]),
        .testTarget(name: "LayersTests", dependencies: ["Tensors", "Layers", "TestSupport"]),
        .testTarget(name: "LanguageModelsTests", dependencies: models + ["TestSupport"]),
        .testTarget(
            name: "InterchangeTests",
            dependencies: models + ["Tokenizers", "Interchange", "StrictJSON", "Files", "TestSupport", "FuzzTargets"]),
        .testTarget(name: "TrainingTests", dependencies: rooms + ["StrictJSON", "Files", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: rooms + ["gpt", "GPTKit", "StrictJSON", "TestSupport"]),
        // System calls of the command that fail, by a library in C that is preloaded and compiled by the tests themselves.
        .testTarget(
            name: "FaultTests", dependencies: ["gpt", "TestSupport"], path: "Tests/Faults", exclude: ["Library"]),

        // Inputs by the million for whatever takes bytes from anyone, and those of them that once went wrong.
        .target(
            name: "FuzzTargets",
            dependencies: models + ["Tokenizers", "Interchange", "StrictJSON", "Files", "TestSupport"],
            path: "Tests/Fuzz/Targets"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "FuzzTargets", "TestSupport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/Fuzz/Command"),
        .testTarget(name: "HostileTests", dependencies: ["FuzzTargets", "Files", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
