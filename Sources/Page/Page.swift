/// The page that shows models in a browser: one HTML file without anything else to load.
package enum Page {
    /// Where an explanation goes.
    private static let place = "<!--EXPLANATION-->"

    /// The page, as a text in HTML.
    /// - Parameter explanation: an explanation as JSON, with which the page works without a server; nil for the page of a server.
    package static func html(explanation: String? = nil) -> String {
        let page = String(decoding: PackageResources.page_html, as: UTF8.self)
        let element = explanation.map {
            "<script type=\"application/json\" id=\"explanation\">\(escaped($0))</script>"
        }
        return page.replacing(place, with: element ?? "", maxReplacements: 1)
    }

    /// JSON in which nothing ends an element of HTML: `<` occurs in strings only, where it can be written as an escape.
    static func escaped(_ json: String) -> String { json.replacing("<", with: "\\u003c") }
}
