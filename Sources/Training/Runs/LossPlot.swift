/// An SVG plot of training and validation loss over steps, readable on light and dark backgrounds.
struct LossPlot {
    private let training: [(step: Double, loss: Double)]
    private let validation: [(step: Double, loss: Double)]

    /// The maximum number of points drawn for each line. More would be indistinguishable.
    private static let limit = 400

    init(_ metrics: Metrics) {
        training = Self.thinned(metrics.rows.compactMap { row in row.trainingLoss.map { (Double(row.step), $0) } })
        validation = Self.thinned(metrics.rows.compactMap { row in row.validation.map { (Double(row.step), $0) } })
    }

    /// Averages groups of adjacent points if there are more than `limit`.
    private static func thinned(_ points: [(step: Double, loss: Double)]) -> [(step: Double, loss: Double)] {
        let group = (points.count + limit - 1) / limit
        guard group > 1 else { return points }
        return stride(from: 0, to: points.count, by: group).map { start in
            let part = points[start..<min(start + group, points.count)]
            let count = Double(part.count)
            return (part.reduce(0) { $0 + $1.step } / count, part.reduce(0) { $0 + $1.loss } / count)
        }
    }

    // The size of the image, and the margins around the plot area.
    private let width = 720.0, height = 420.0
    private let left = 64.0, right = 16.0, top = 40.0, bottom = 48.0

    var svg: String {
        let losses = (training + validation).map(\.loss)
        let lastStep = max(1, (training + validation).map(\.step).max() ?? 1)
        let verticalTicks = Self.ticks(from: losses.min() ?? 0, to: losses.max() ?? 1)
        let horizontalTicks = Self.ticks(from: 0, to: lastStep).filter { $0 <= lastStep }
        let low = min(losses.min() ?? 0, verticalTicks.first ?? 0)
        let high = max(losses.max() ?? 1, verticalTicks.last ?? 1)

        func x(_ step: Double) -> Double { left + (width - left - right) * step / lastStep }
        func y(_ loss: Double) -> Double { top + (height - top - bottom) * (high - loss) / max(1e-9, high - low) }
        func path(_ points: [(step: Double, loss: Double)]) -> String {
            points.map { "\(Self.short(x($0.step))),\(Self.short(y($0.loss)))" }.joined(separator: " ")
        }

        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(Int(width)) \#(Int(height))" "#
                + #"font-family="system-ui, sans-serif" font-size="13" role="img">"#,
            "<title>Loss over steps</title>",
            """
            <style>
            .paper { fill: #ffffff }
            text { fill: #24292f }
            line { stroke-width: 1 }
            .grid { stroke: #d8dee4 }
            .axis { stroke: #24292f }
            polyline { fill: none; stroke-linejoin: round }
            .training { stroke: #6e9bd1; stroke-width: 1.5 }
            .validation { stroke: #d1542c; stroke-width: 2.5 }
            .dot { fill: #d1542c }
            @media (prefers-color-scheme: dark) {
              .paper { fill: #0d1117 }
              text { fill: #e6edf3 }
              .grid { stroke: #30363d }
              .axis { stroke: #e6edf3 }
              .training { stroke: #5b8ac2 }
              .validation { stroke: #f0883e }
              .dot { fill: #f0883e }
            }
            </style>
            <rect class="paper" width="\(Int(width))" height="\(Int(height))"/>
            """,
        ]
        for tick in verticalTicks {
            let at = Self.short(y(tick))
            lines.append(#"<line class="grid" x1="\#(left)" y1="\#(at)" x2="\#(width - right)" y2="\#(at)"/>"#)
            lines.append(
                #"<text x="\#(left - 8)" y="\#(at)" text-anchor="end" dominant-baseline="middle">"#
                    + "\(Self.label(tick))</text>")
        }
        let floor = height - bottom
        for tick in horizontalTicks {
            let at = Self.short(x(tick))
            lines.append(#"<line class="axis" x1="\#(at)" y1="\#(floor)" x2="\#(at)" y2="\#(floor + 5)"/>"#)
            lines.append(#"<text x="\#(at)" y="\#(floor + 20)" text-anchor="middle">\#(Self.label(tick))</text>"#)
        }
        lines += [
            #"<line class="axis" x1="\#(left)" y1="\#(floor)" x2="\#(width - right)" y2="\#(floor)"/>"#,
            #"<line class="axis" x1="\#(left)" y1="\#(top)" x2="\#(left)" y2="\#(floor)"/>"#,
            #"<text x="\#((left + width - right) / 2)" y="\#(height - 8)" text-anchor="middle">step</text>"#,
            #"<text x="\#(left)" y="22">loss in nats per token</text>"#,
            #"<polyline class="training" points="\#(path(training))"/>"#,
            #"<polyline class="validation" points="\#(path(validation))"/>"#,
        ]
        if let last = validation.last {
            lines.append(
                #"<circle class="dot" cx="\#(Self.short(x(last.step)))" cy="\#(Self.short(y(last.loss)))" r="3.5"/>"#)
            lines.append(
                #"<text x="\#(Self.short(x(last.step)))" y="\#(Self.short(y(last.loss) - 10))" text-anchor="end">"#
                    + "\((last.loss * 1000).rounded() / 1000)</text>")
        }
        for (name, place) in [("training", width - 250), ("validation", width - 140)] {
            lines.append(#"<polyline class="\#(name)" points="\#(place),18 \#(place + 24),18"/>"#)
            lines.append(#"<text x="\#(place + 30)" y="22">\#(name)</text>"#)
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    /// About five round numbers that cover a range.
    private static func ticks(from low: Double, to high: Double) -> [Double] {
        let span = max(high - low, 1e-6)
        guard low.isFinite, span.isFinite else { return [0, 1] }
        var unit = 1e-9
        while unit * 10 <= span / 4 { unit *= 10 }
        let step = [1.0, 2, 5, 10].map { $0 * unit }.first { span / $0 <= 6 } ?? unit * 10
        let first = (low / step).rounded(.down), last = (high / step).rounded(.up)
        return (0...Int(max(1, min(20, last - first)))).map { (first + Double($0)) * step }
    }

    /// A coordinate rounded to a tenth of a point.
    private static func short(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    /// A number without rounding errors and without a trailing ".0".
    private static func label(_ value: Double) -> String {
        let rounded = (value * 1e6).rounded() / 1e6
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
