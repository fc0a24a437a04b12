extension ClassificationScore {
    /// The confusion matrix as lines for a terminal: a row for each label that texts have, a column for each that was predicted.
    ///
    ///               predicted
    ///     actual    negative  positive
    ///     negative       412        88
    ///     positive        71       429
    ///
    /// Long labels are shortened. With more than `limit` labels the matrix would be too wide. Then the result is a list of the
    /// most frequent labels: for each the number of texts, the number of correct predictions, and the most frequent wrong label.
    public func table(atMost limit: Int = 10) -> [String] {
        labels.count <= limit ? matrix : list(limit)
    }

    private static let labelWidth = 16

    private var names: [String] {
        labels.map { label in
            // Labels are from a file, which may have line ends in them.
            let line = String(label.map { $0.isWhitespace ? " " : $0 })
            return line.count > Self.labelWidth ? line.prefix(Self.labelWidth - 3) + "..." : line
        }
    }

    private var matrix: [String] {
        let names = names
        let first = max("actual".count, names.map(\.count).max() ?? 0)
        let widths = names.enumerated().map { column, name in
            max(name.count, confusion.map { "\($0[column])".count }.max() ?? 0)
        }
        func row(_ head: String, _ cells: [String]) -> String {
            zip(cells, widths).reduce(head.padded(to: first)) { $0 + "  " + $1.0.paddedAtStart(to: $1.1) }
        }
        return [String(repeating: " ", count: first + 2) + "predicted", row("actual", names)]
            + zip(names, confusion).map { row($0, $1.map(String.init)) }
    }

    private func list(_ limit: Int) -> [String] {
        let names = names
        let order = labels.indices.sorted { (support(of: $1), $0) < (support(of: $0), $1) }
        let width = max("actual".count, names.map(\.count).max() ?? 0)
        var lines = ["actual".padded(to: width) + "   texts   right  most often mistaken for"]
        for label in order.prefix(limit) {
            let wrong = labels.indices.filter { $0 != label && confusion[label][$0] > 0 }
            let most = wrong.min { (confusion[label][$1], $0) < (confusion[label][$0], $1) }
            let mistaken = most.map { "  \(names[$0]) (\(confusion[label][$0]))" } ?? ""
            lines.append(
                names[label].padded(to: width) + "\(support(of: label))".paddedAtStart(to: 8)
                    + "\(confusion[label][label])".paddedAtStart(to: 8) + mistaken)
        }
        let rest = order.dropFirst(limit)
        lines.append(
            "\(rest.count) others".padded(to: width)
                + "\(rest.reduce(0) { $0 + support(of: $1) })".paddedAtStart(to: 8)
                + "\(rest.reduce(0) { $0 + confusion[$1][$1] })".paddedAtStart(to: 8))
        return lines
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate func paddedAtStart(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
