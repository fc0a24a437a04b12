import Files
import Page

/// The page of the server, with a Content Security Policy that allows only its own script and style.
struct ServedPage: Sendable {
    private let html: [UInt8]
    private let policy: String

    init() {
        let page = Page.html()
        html = Array(page.utf8)
        let hashes = ["script", "style"].map { element in
            let content = Self.content(of: element, in: page)
            return "\(element)-src 'sha256-\(Base64.encode(SHA256.digest(of: content.utf8)))'"
        }
        policy =
            (["default-src 'none'"] + hashes + [
                "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'", "form-action 'none'",
                "frame-ancestors 'none'",
            ]).joined(separator: "; ")
    }

    var response: APIResponse {
        APIResponse(
            headers: [
                ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy),
                ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-cache"),
            ], body: .bytes(html))
    }

    /// The content of the only element without attributes of this name.
    private static func content(of element: String, in page: String) -> Substring {
        guard let start = page.firstRange(of: "<\(element)>")?.upperBound,
            let end = page[start...].firstRange(of: "</\(element)>")?.lowerBound
        else { return "" }
        return page[start..<end]
    }
}
