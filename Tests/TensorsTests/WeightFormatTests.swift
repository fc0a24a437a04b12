import Tensors
import TestSupport
import Testing

@Suite("Precisions and weight formats")
struct WeightFormatTests {
    @Test("The names of both are those of the options, and only weights can be int8")
    func names() {
        #expect(Precision.allCases.map(\.rawValue) == ["f32", "bf16"])
        #expect(WeightFormat.allCases.map(\.rawValue) == ["f32", "bf16", "int8"])
    }

    @Test("An execution with weights of a format computes products in the corresponding precision")
    func execution() {
        #expect(Execution(weights: .bfloat16).precision == .bfloat16)
        #expect(Execution(weights: .int8).precision == .float32)
        Execution.with(weights: .int8) { #expect(Execution.current.weightFormat == .int8) }
        #expect(Execution.current.weightFormat == .float32)
    }

    @Test("The weight format alone decides what generation computes", arguments: WeightFormat.allCases, [1, 40])
    func independence(format: WeightFormat, rows: Int) {
        var random = Philox(1)
        let weight = Parameter(.normal([40, 70], deviation: 1, using: &random))
        let x = Tensor.normal([rows, 40], deviation: 1, using: &random)
        let results = Precision.allCases.map { precision in
            let execution = Execution(threads: 1, precision: precision, weightFormat: format)
            return Execution.$current.withValue(execution) { DecodingProduct.apply(x, weight).values }
        }
        #expect(results[0] == results[1])
    }

    @Test("A weight that is no parameter is packed for each product", arguments: WeightFormat.allCases)
    func unstored(format: WeightFormat) {
        var random = Philox(1)
        let weight = Parameter(.normal([40, 70], deviation: 1, using: &random))
        let x = Tensor.normal([2, 40], deviation: 1, using: &random)
        Execution.with(weights: format) {
            let same = Variable(weight.value, needsGradient: false)
            #expect(DecodingProduct.apply(x, same).values == DecodingProduct.apply(x, weight).values)
        }
    }
}
