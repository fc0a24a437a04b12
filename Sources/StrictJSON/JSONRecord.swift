/// An error in a JSON object that this program wrote and that was changed since.
package struct MalformedRecord: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Typed access to the members of a JSON object.
package struct JSONRecord {
    private let json: JSON

    package init(_ json: JSON) { self.json = json }

    /// The error for a member that is missing or has the wrong type.
    package func wrong(_ name: String) -> MalformedRecord {
        MalformedRecord(description: "its \(name) is missing or not valid")
    }

    package func string(_ name: String) throws(MalformedRecord) -> String {
        guard let value = json[name]?.stringValue else { throw wrong(name) }
        return value
    }

    package func int(_ name: String) throws(MalformedRecord) -> Int {
        guard let value = json[name]?.intValue else { throw wrong(name) }
        return value
    }

    package func double(_ name: String) throws(MalformedRecord) -> Double {
        guard let value = json[name]?.doubleValue else { throw wrong(name) }
        return value
    }

    package func optionalString(_ name: String) throws(MalformedRecord) -> String? {
        json[name] == nil ? nil : try string(name)
    }

    package func optionalInt(_ name: String) throws(MalformedRecord) -> Int? { json[name] == nil ? nil : try int(name) }

    package func optionalDouble(_ name: String) throws(MalformedRecord) -> Double? {
        json[name] == nil ? nil : try double(name)
    }
}
