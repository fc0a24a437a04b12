// swift-tools-version: 6.2

import PackageDescription

// Programs that use swift-gpt as any other package does: through its public declarations alone.
let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "swift-gpt", path: "..")],
    targets: [
        .executableTarget(name: "FromTextToModel", dependencies: [.product(name: "GPTKit", package: "swift-gpt")])
    ],
    swiftLanguageModes: [.v6]
)
