/// A tensor to be written to a safetensors file.
package typealias SafetensorsTensor = TensorToWrite<SafetensorsType>

extension SafetensorsTensor {
    /// A tensor in memory that stays valid until it is written.
    package init(name: String, dtype: SafetensorsType = .float32, shape: [Int], bytes: UnsafeRawBufferPointer) {
        self.init(name: name, dtype: dtype, shape: shape) { write in try write(bytes) }
    }

    /// A tensor of single-precision numbers.
    package init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dtype: .float32, shape: shape) { write in try floats.withUnsafeBytes(write) }
    }

    /// A tensor of integers.
    package init(name: String, shape: [Int], integers: [Int64]) {
        self.init(name: name, dtype: .int64, shape: shape) { write in try integers.withUnsafeBytes(write) }
    }
}
