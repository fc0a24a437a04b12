// swift-tools-version: 6.2

import PackageDescription

// The modules that a user of the library sees, each above those it depends on. A target names every module whose types it
// uses, also those it gets through another: it is only rebuilt for a change in a module that it names.
let models: [Target.Dependency] = ["Tensors", "Layers", "Models"]
let library: [Target.Dependency] =
    models + ["Tokenizers", "ChatTemplates", "Interchange", "Inference", "Corpus", "Training"]

// The server, gpt-serve, is part of the package only if GPT_SERVE is set in the environment. Its HTTP library takes longer to
// build than `gpt`, and 'swift test' would build it too, although no test needs it. 'gpt serve' says how to build it.
let buildsServer = Context.environment["GPT_SERVE"] != nil

let package = Package(
    name: "swift-gpt",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(
            name: "GPTKit",
            targets: [
                "GPTKit", "Tensors", "Layers", "Models", "Tokenizers", "ChatTemplates", "Interchange", "Inference",
                "Corpus",
                "Training",
            ]),
        .library(name: "Tokenizers", targets: ["Tokenizers"]),
        .executable(name: "gpt", targets: ["gpt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    ],
    targets: [
        // Leaves: no dependency within the package.
        .target(
            name: "CKernels", cSettings: [.headerSearchPath("internal")],
            linkerSettings: [.linkedFramework("Accelerate", .when(platforms: [.macOS, .iOS]))]),
        .target(name: "CFiles"),
        // Replaces malloc, so it is linked into programs alone, never into the library.
        .target(name: "CAllocation", dependencies: ["CKernels"]),
        .target(name: "Platform"),
        .target(name: "StrictJSON"),
        .target(name: "Files", dependencies: ["CFiles", "Platform"]),

        // Text to ids and back. Depends on nothing but the JSON reader.
        .target(name: "Tokenizers", dependencies: ["StrictJSON"]),
        // A conversation as the text that a model was trained on.
        .target(name: "ChatTemplates", dependencies: ["StrictJSON", "Platform"]),

        // The engine and the models.
        .target(name: "Tensors", dependencies: ["CKernels", "Platform"]),
        .target(name: "Layers", dependencies: ["Tensors"]),
        .target(name: "Models", dependencies: ["Tensors", "Layers", "Platform"]),

        // Models on disk, models in use, texts, and training.
        .target(name: "Interchange", dependencies: models + ["Tokenizers", "StrictJSON", "Files", "Platform"]),
        .target(
            name: "Inference",
            dependencies: models + ["Interchange", "Tokenizers", "ChatTemplates", "StrictJSON", "Files", "Platform"]),
        .target(name: "Corpus", dependencies: ["ChatTemplates", "StrictJSON", "Files", "Platform"]),
        .target(
            name: "Training",
            dependencies: models + [
                "ChatTemplates", "Interchange", "Inference", "Corpus", "Tokenizers", "StrictJSON", "Files", "Platform",
            ]),
        // Processes that train together, by a library of MPI that is loaded while the program runs.
        .target(name: "MessagePassing", dependencies: ["Training", "Platform"]),
        // The API of the server, without a transport.
        .target(
            name: "Server",
            dependencies: models + [
                "Interchange", "Inference", "Training", "Tokenizers", "ChatTemplates", "StrictJSON", "Files", "Page",
                "Platform",
            ]),
        // References, golden vectors and benchmarks: what shows that the others are right and fast.
        .target(
            name: "Verification",
            dependencies: models + [
                "Interchange", "Inference", "Corpus", "Training", "Tokenizers", "StrictJSON", "Files", "Platform",
            ]),

        // The page that shows models in a browser.
        .target(name: "Page", resources: [.embedInCode("page.html")]),

        // What a user imports, and what a user runs.
        .target(name: "GPTKit", dependencies: library),
        .executableTarget(
            name: "gpt",
            dependencies: library + [
                "GPTKit", "MessagePassing", "Verification", "Page", "Files", "StrictJSON", "CKernels", "CAllocation",
                "Platform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // Tests mirror the sources; Support is what they share.
        .target(
            name: "TestSupport", dependencies: ["Tensors", "Tokenizers", "StrictJSON", "Files", "Platform"],
            path: "Tests/Support"),
        .testTarget(name: "FilesTests", dependencies: ["Files", "Platform", "TestSupport"]),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON", "Files", "TestSupport"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "StrictJSON", "TestSupport", "FuzzTargets"]),
        .testTarget(
            name: "ChatTemplatesTests", dependencies: ["ChatTemplates", "StrictJSON", "Platform", "TestSupport"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "CKernels", "Platform", "TestSupport"]),
        .testTarget(name: "LayersTests", dependencies: ["Tensors", "Layers", "TestSupport"]),
        .testTarget(name: "ModelsTests", dependencies: models + ["Platform", "TestSupport"]),
        .testTarget(
            name: "InterchangeTests",
            dependencies: models + [
                "Tokenizers", "Interchange", "StrictJSON", "Files", "Platform", "TestSupport", "FuzzTargets",
            ]),
        .testTarget(
            name: "InferenceTests",
            dependencies: models + [
                "Tokenizers", "ChatTemplates", "Interchange", "Inference", "Corpus", "StrictJSON", "Files", "Platform",
                "TestSupport",
            ]),
        .testTarget(name: "CorpusTests", dependencies: ["Corpus", "Training", "Tokenizers", "Files", "TestSupport"]),
        .testTarget(
            name: "TrainingTests", dependencies: library + ["StrictJSON", "Files", "Platform", "TestSupport"]),
        .testTarget(name: "MessagePassingTests", dependencies: ["MessagePassing"]),
        .testTarget(
            name: "VerificationTests",
            dependencies: library + ["Verification", "StrictJSON", "Files", "TestSupport"]),
        .testTarget(
            name: "ServerTests",
            dependencies: models + [
                "Server", "Inference", "Interchange", "Tokenizers", "StrictJSON", "Files", "TestSupport", "FuzzTargets",
            ]),
        .testTarget(
            name: "CommandTests",
            dependencies: library + ["gpt", "GPTKit", "StrictJSON", "Platform", "TestSupport"]),
        // System calls of the command that fail, by a library in C that is preloaded and compiled by the tests themselves.
        .testTarget(
            name: "FaultTests", dependencies: ["gpt", "TestSupport"], path: "Tests/Faults", exclude: ["Library"]),

        // Inputs by the million for whatever takes bytes from anyone, and those of them that once went wrong.
        .target(
            name: "FuzzTargets",
            dependencies: models + [
                "Tokenizers", "ChatTemplates", "Interchange", "Inference", "Corpus", "StrictJSON", "Files",
                "TestSupport",
            ],
            path: "Tests/Fuzz/Targets"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "FuzzTargets", "TestSupport", "Platform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/Fuzz/Command"),
        // What the kernels compute according to the references, for a driver in C that runs them on other processors.
        .executableTarget(
            name: "KernelVectors", dependencies: ["Tensors", "Platform", "TestSupport"],
            path: "Tests/Kernels/Vectors"),
        .testTarget(name: "HostileTests", dependencies: ["FuzzTargets", "Files", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

if buildsServer {
    package.products.append(.executable(name: "gpt-serve", targets: ["gpt-serve"]))
    package.dependencies += [
        // Without its traits, because neither its configuration nor all of Foundation is needed.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
    ]
    package.targets.append(
        .executableTarget(
            name: "gpt-serve",
            dependencies: [
                "Tensors", "Inference", "Server", "CAllocation", "Platform",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]))
}
