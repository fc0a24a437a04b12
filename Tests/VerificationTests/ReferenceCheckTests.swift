import Files
import Interchange
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Training
import Verification

@Suite struct ReferenceCheckTests {
    @Test("A model agrees with PyTorch in double precision", arguments: Fixtures.references, InstructionSet.available)
    func agrees(reference: String, set: InstructionSet) throws {
        let differences = try Execution.$current.withValue(Execution(instructionSet: set, threads: 2)) {
            try ReferenceCheck(directory: reference).run()
        }
        // Only GPT-2 has biases of keys.
        #expect(differences.count == (reference == Fixtures.reference ? 8 : 7))
        for difference in differences {
            #expect(difference.isWithin, "\(difference.name): \(difference.largest) at \(difference.place)")
        }
    }

    @Test(
        "An encoder agrees with PyTorch in double precision", arguments: Fixtures.encoderReferences,
        InstructionSet.available)
    func encoderAgrees(reference: String, set: InstructionSet) throws {
        for threads in [1, 2] {
            let differences = try Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                try ReferenceCheck(directory: reference).run()
            }
            let kinds = ["hidden", "logits", "loss", "gradients"]
            let ofTargets = [
                "generated ids, rows that differ", "losses over the steps", "gradient norms, relative",
                "weights after the steps", "key biases after the steps",
            ]
            #expect(differences.map(\.name) == kinds + (reference.contains("marian") ? ofTargets : []))
            for difference in differences {
                #expect(difference.isWithin, "\(difference.name): \(difference.largest) at \(difference.place)")
            }
        }
    }

    @Test(
        "A reference of an encoder that does not fit its model is refused",
        arguments: [
            ("bert-classifier", "labels", [2], 3), ("bert-classifier", "labels", [3], 0),
            ("bert-masked", "labels", [2, 19], 53), ("bert-masked", "labels", [1], 0),
            ("bert-classifier", "token_type_ids", [2, 19], 2), ("marian", "labels", [3, 9], 41),
        ])
    func refusesOtherShapes(kind: String, name: String, shape: [Int], value: Int) throws {
        let reference = try #require(Fixtures.encoderReferences.first { $0.contains(kind) })
        let values = [Int64](repeating: Int64(value), count: shape.reduce(1, *))
        let directory = try self.reference(
            with: SafetensorsTensor(name: name, dtype: .int64, shape: shape) { try values.withUnsafeBytes($0) },
            in: "expected.safetensors", of: reference)
        #expect(throws: ModelError.self) { try ReferenceCheck(directory: directory.path).run() }
    }

    /// Every number of the reference matters: change one and the kind of number it belongs to is out of tolerance.
    @Test(
        "A reference that differs is noticed",
        arguments: [
            ("expected.safetensors", "logits", "logits"),
            ("expected.safetensors", "loss64", "loss"),
            ("expected.safetensors", "grad.transformer.h.1.mlp.c_proj.bias", "gradients"),
            ("train.safetensors", "loss_after64", "losses over the steps"),
            ("train.safetensors", "grad_norm64", "gradient norms, relative"),
            ("train.safetensors", "final.transformer.wpe.weight", "weights after the steps"),
            ("train.safetensors", "exp_avg_sq.transformer.ln_f.weight", "moments after the steps"),
        ])
    func notices(file: String, tensor: String, kind: String) throws {
        let original = try SafetensorsFile(path: Fixtures.reference + "/" + file)
        var values = try original.doubles(tensor)
        values[values.count / 2] += 1e-3
        let directory = try reference(
            with: SafetensorsTensor(name: tensor, dtype: .float64, shape: original.shape(tensor)) { [values] piece in
                try values.withUnsafeBytes(piece)
            }, in: file)
        let failed = try ReferenceCheck(directory: directory.path).run().filter { !$0.isWithin }.map(\.name)
        #expect(failed == [kind])
    }

    @Test(
        "Sequences that the context does not hold are refused",
        arguments: [
            ("expected.safetensors", "input_ids", [1, 64], true),
            ("expected.safetensors", "input_ids", [1, 65], false),
            ("train.safetensors", "batch.0", [1, 65], true), ("train.safetensors", "batch.0", [1, 66], false),
        ])
    func context(file: String, name: String, shape: [Int], fits: Bool) throws {
        let ids = [Int64](repeating: 0, count: shape[0] * shape[1])
        let directory = try reference(
            with: SafetensorsTensor(name: name, dtype: .int64, shape: shape) { piece in
                try ids.withUnsafeBytes(piece)
            }, in: file)
        let check = ReferenceCheck(directory: directory.path)
        if fits {
            #expect(try check.run().contains { !$0.isWithin })
        } else {
            let error = #expect(throws: ModelError.self) { try check.run() }
            #expect(error?.description.contains(name) == true)
        }
    }

    /// The reference with one tensor of `file` replaced.
    private func reference(
        with tensor: SafetensorsTensor, in file: String, of reference: String = Fixtures.reference
    ) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        for name in try Files.contents(ofDirectory: reference) {
            try directory.write(Fixtures.bytes(reference + "/" + name), to: name)
        }
        let original = try SafetensorsFile(path: reference + "/" + file)
        try SafetensorsWriter.write(
            to: directory.file(file),
            tensors: original.names.map { name in
                if name == tensor.name { return tensor }
                let entry = try original.entry(name)
                return SafetensorsTensor(name: name, dtype: entry.dtype, shape: entry.shape) { piece in
                    try original.withBytes(name, piece)
                }
            })
        return directory
    }
}
