import Files
import Interchange
import LanguageModels
import Layers
import Tensors
import TestSupport
import Testing
import Training

@Suite struct ReferenceCheckTests {
    @Test("A model agrees with PyTorch in double precision", arguments: InstructionSet.available, [1, 2])
    func agrees(set: InstructionSet, threads: Int) throws {
        let differences = try Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
            try ReferenceCheck(directory: Fixtures.reference).run()
        }
        #expect(differences.count == 8)
        for difference in differences {
            #expect(difference.isWithin, "\(difference.name): \(difference.largest) at \(difference.place)")
        }
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
        let directory = TemporaryDirectory()
        for name in try Files.contents(ofDirectory: Fixtures.reference) {
            try directory.write(Fixtures.bytes(Fixtures.reference + "/" + name), to: name)
        }
        let original = try SafetensorsFile(path: Fixtures.reference + "/" + file)
        try SafetensorsWriter.write(
            to: directory.file(file),
            tensors: original.names.map { name in
                let entry = try original.entry(name)
                guard name == tensor else {
                    return SafetensorsTensor(name: name, dtype: entry.dtype, shape: entry.shape) { piece in
                        try original.withBytes(name, piece)
                    }
                }
                var values = try original.doubles(name)
                values[values.count / 2] += 1e-3
                return SafetensorsTensor(name: name, dtype: .float64, shape: entry.shape) { [values] piece in
                    try values.withUnsafeBytes(piece)
                }
            })
        let failed = try ReferenceCheck(directory: directory.path).run().filter { !$0.isWithin }.map(\.name)
        #expect(failed == [kind])
    }
}
