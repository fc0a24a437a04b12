import StrictJSON

/// Who may send requests.
///
/// A server on the loopback interface can be reached by every page that a browser on the same machine shows. So the names in
/// `Host` and `Origin` are checked: a page of another site, or a name that was made to point to this machine (DNS rebinding),
/// is refused.
public struct AccessRules: Sendable {
    /// The key that requests must carry; nil for none.
    private let key: [UInt8]?
    /// Whether only names of this machine are accepted as `Host`.
    private let isLoopbackOnly: Bool
    /// The origins of pages of other servers that may send requests.
    private let origins: [String]

    /// - Parameters:
    ///   - key: the key that requests must carry as `Authorization: Bearer KEY`; nil for none.
    ///   - isLoopbackOnly: whether the server can be reached from this machine only.
    ///   - origins: origins of pages that may send requests, such as "http://localhost:3000".
    public init(key: String?, isLoopbackOnly: Bool, origins: [String] = []) {
        self.key = key.map { Array($0.utf8) }
        self.isLoopbackOnly = isLoopbackOnly
        self.origins = origins
    }

    /// The paths that need no key: their responses contain nothing about the models.
    private static let open = ["/", "/health"]

    func check(_ request: APIRequest) throws(APIError) {
        if isLoopbackOnly {
            guard let host = request.headers["host"], Self.isLoopback(Self.name(of: host)) else {
                throw APIError(
                    403,
                    "the name in the header 'Host' is not one of this machine; use http://127.0.0.1 or http://localhost"
                )
            }
        }
        if let origin = request.headers["origin"], !isAllowed(origin, host: request.headers["host"]) {
            throw APIError(
                403, "pages of another server may not send requests; start the server with --origin to allow them")
        }
        guard let key, !Self.open.contains(request.path) else { return }
        guard let header = request.headers["authorization"] else {
            throw APIError(
                401, "the key is missing; send the header 'Authorization: Bearer KEY'", code: "invalid_api_key")
        }
        let prefix = "bearer "
        let given = header.lowercased().hasPrefix(prefix) ? Array(header.utf8.dropFirst(prefix.utf8.count)) : []
        guard Self.areEqual(given, key) else {
            throw APIError(
                401, "the key is wrong; send the key that the server was started with", code: "invalid_api_key")
        }
    }

    /// The headers that allow a page of an accepted origin to read the response.
    func responseHeaders(for request: APIRequest) -> [(name: String, value: String)] {
        guard let origin = request.headers["origin"], origins.contains(origin) else { return [] }
        return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    }

    /// The answer to a browser that inquires before it sends a request of an accepted origin; nil for any other request.
    public func preflight(_ request: APIRequest) -> APIResponse? {
        guard request.method == "OPTIONS", let origin = request.headers["origin"], origins.contains(origin) else {
            return nil
        }
        return APIResponse(
            status: 204,
            headers: responseHeaders(for: request) + [
                ("Access-Control-Allow-Methods", "GET, POST"),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"), ("Access-Control-Max-Age", "600"),
            ], body: .bytes([]))
    }

    private func isAllowed(_ origin: String, host: String?) -> Bool {
        if origins.contains(origin) { return true }
        // The page of the server itself.
        return host.map { origin == "http://" + $0 } ?? false
    }

    /// The name in a `Host` header, without the port.
    private static func name(of host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }

    /// Whether a name or address is one of this machine.
    public static func isLoopback(_ name: String) -> Bool {
        ["localhost", "[::1]", "::1"].contains(name.lowercased())
            || (name.hasPrefix("127.") && name.split(separator: ".").count == 4
                && name.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: ".") })
    }

    /// Compares in constant time: the time does not depend on where the bytes differ, so it does not help to guess a key.
    static func areEqual(_ given: [UInt8], _ key: [UInt8]) -> Bool {
        var difference = UInt8(given.count == key.count ? 0 : 1)
        for (position, byte) in key.enumerated() { difference |= byte ^ (position < given.count ? given[position] : 0) }
        return difference == 0
    }
}
