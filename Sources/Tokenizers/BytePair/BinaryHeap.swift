/// A binary heap whose least element can be read and removed: the element at `i` is at most as great as those at `2 i + 1`
/// and `2 i + 2` (Williams, "Algorithm 232: Heapsort", 1964).
struct BinaryHeap<Element: Comparable> {
    private var elements: [Element] = []

    var count: Int { elements.count }

    @inline(__always)
    var least: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard element < elements[parent] else { break }
            elements[index] = elements[parent]
            index = parent
        }
        elements[index] = element
    }

    @discardableResult
    mutating func removeLeast() -> Element? {
        guard let last = elements.popLast() else { return nil }
        guard let least = elements.first else { return last }
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
            guard elements[child] < last else { break }
            elements[index] = elements[child]
            index = child
        }
        elements[index] = last
        return least
    }

    /// Removes all elements that `isKept` does not accept.
    mutating func keep(_ isKept: (Element) -> Bool) {
        let kept = elements.filter(isKept)
        elements.removeAll(keepingCapacity: true)
        for element in kept { insert(element) }
    }
}
