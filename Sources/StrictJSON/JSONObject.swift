/// The members of a JSON object in the order written, with distinct keys, found by the bytes of the key.
///
/// Small objects are searched linearly; larger ones, such as a vocabulary of 100,000 tokens, have a hash table. Swift
/// seeds its hashing at random in every process, so no file can be crafted to make the table slow.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSON)

    private var members: [Element] = []

    /// The position of each key, if there are more than `linearSearchLimit`.
    private var positions: [UTF8Key: Int] = [:]

    /// Up to this many members, linear search is faster than hashing.
    private static let linearSearchLimit = 8

    package init() {}

    /// The given members. For equal keys the last value is kept, at the position of the first.
    package init(_ elements: some Sequence<(String, JSON)>) {
        for (key, value) in elements { self[key] = value }
    }

    /// The value called `key`. Setting replaces it in place or appends it; setting `nil` removes it.
    package subscript(key: String) -> JSON? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (nil, let value?): insert(key, value)
            case (let position?, nil):
                members.remove(at: position)
                positions = [:]
                if members.count > Self.linearSearchLimit { indexAll() }
            case (nil, nil): break
            }
        }
    }

    /// Appends a member and returns `true`; returns `false` if the key exists already.
    package mutating func append(_ key: String, _ value: JSON) -> Bool {
        guard position(of: key) == nil else { return false }
        insert(key, value)
        return true
    }

    private func position(of key: String) -> Int? {
        if members.count > Self.linearSearchLimit { return positions[UTF8Key(key)] }
        return members.firstIndex { UTF8Key($0.key) == UTF8Key(key) }
    }

    /// Appends a member whose key is known to be new.
    private mutating func insert(_ key: String, _ value: JSON) {
        members.append((key, value))
        if members.count == Self.linearSearchLimit + 1 {
            indexAll()
        } else if members.count > Self.linearSearchLimit {
            positions[UTF8Key(key)] = members.count - 1
        }
    }

    private mutating func indexAll() {
        for (position, member) in members.enumerated() { positions[UTF8Key(member.key)] = position }
    }
}

extension JSONObject: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { members.count }
    package subscript(position: Int) -> Element { members[position] }
}

extension JSONObject: Equatable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.elementsEqual(right) { UTF8Key($0.key) == UTF8Key($1.key) && $0.value == $1.value }
    }
}

/// A string that is compared and hashed by its UTF-8 bytes. `String` compares by canonical equivalence, but a
/// vocabulary may contain both forms of `é`.
package struct UTF8Key: Hashable, Sendable {
    package let string: String

    package init(_ string: String) { self.string = string }

    package static func == (left: UTF8Key, right: UTF8Key) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        // A native Swift string always has contiguous bytes; the loop is for a bridged one.
        let hashed: Void? = string.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: .init($0)) }
        if hashed == nil {
            for byte in string.utf8 { hasher.combine(byte) }
        }
    }
}
