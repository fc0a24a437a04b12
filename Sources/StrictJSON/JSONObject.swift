/// The members of a JSON object in the order written, with distinct keys, found by the bytes of the key.
///
/// Small objects are searched from the front; larger ones, such as a vocabulary of 100,000 tokens, carry a hash table.
/// Swift seeds its hashing anew in every process, so that no file can be built to make the table slow.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSON)

    private var members: [Element] = []

    /// Where each key is, once there are more than `searched` of them.
    private var positions: [UTF8Key: Int] = [:]

    /// Up to this many members, looking at all of them is faster than hashing.
    private static let searched = 8

    package init() {}

    /// The members given; of equal keys the last value stays, at the place of the first.
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
                if members.count > Self.searched { indexAll() }
            case (nil, nil): break
            }
        }
    }

    /// Appends a member, unless the key is there already: then the object stays as it is and the answer is `false`.
    package mutating func append(_ key: String, _ value: JSON) -> Bool {
        guard position(of: key) == nil else { return false }
        insert(key, value)
        return true
    }

    private func position(of key: String) -> Int? {
        if members.count > Self.searched { return positions[UTF8Key(key)] }
        return members.firstIndex { UTF8Key($0.key) == UTF8Key(key) }
    }

    /// Appends a member whose key is known to be new.
    private mutating func insert(_ key: String, _ value: JSON) {
        members.append((key, value))
        if members.count == Self.searched + 1 {
            indexAll()
        } else if members.count > Self.searched {
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

/// A string compared and hashed by its UTF-8 bytes, where `String` compares what the bytes mean to a reader:
/// a vocabulary may hold both forms of `é`.
package struct UTF8Key: Hashable, Sendable {
    package let string: String

    package init(_ string: String) { self.string = string }

    package static func == (left: UTF8Key, right: UTF8Key) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        // A native Swift string always offers its bytes in one piece; the loop is for one bridged from elsewhere.
        let hashed: Void? = string.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: .init($0)) }
        if hashed == nil {
            for byte in string.utf8 { hasher.combine(byte) }
        }
    }
}
