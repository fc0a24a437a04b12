// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "swift-gpt",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "GPTKit", targets: ["GPTKit"]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .executable(name: "gpt", targets: ["gpt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    ],
    targets: [
        // Leaves: no dependency of ours.
        .target(name: "CKernels", cSettings: [.headerSearchPath("internal")]),
        .target(name: "Files"),
        .target(name: "StrictJSON"),

        // Text to ids and back. Stands alone but for the JSON reader.
        .target(name: "Tokenizers", dependencies: ["StrictJSON"]),

        // The engine and the models, each on the one before it.
        .target(name: "Tensors", dependencies: ["CKernels"]),
        .target(name: "Layers", dependencies: ["Tensors"]),
        .target(name: "LanguageModels", dependencies: ["Layers"]),
        .target(name: "Interchange", dependencies: ["LanguageModels", "Tokenizers", "StrictJSON", "Files"]),
        .target(
            name: "Training", dependencies: ["LanguageModels", "Interchange", "Tokenizers", "StrictJSON", "Files"]),

        // What a user imports, and what a user runs.
        .target(name: "GPTKit", dependencies: ["Tensors", "Layers", "LanguageModels", "Tokenizers", "Interchange", "Training"]),
        .executableTarget(
            name: "gpt",
            dependencies: [
                "GPTKit", "Files", "StrictJSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests mirror the sources; Support is what they share.
        .target(name: "TestSupport", dependencies: ["Tensors", "Files"], path: "Tests/Support"),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON", "TestSupport"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "TestSupport"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "CKernels", "TestSupport"]),
        .testTarget(name: "LayersTests", dependencies: ["Layers", "TestSupport"]),
        .testTarget(name: "LanguageModelsTests", dependencies: ["LanguageModels", "TestSupport"]),
        .testTarget(name: "InterchangeTests", dependencies: ["Interchange", "StrictJSON", "TestSupport"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: ["gpt", "GPTKit", "StrictJSON", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
