#include "format/xml.hpp"

#include <gtest/gtest.h>

namespace format {

namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view kMessage =
    R"(<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId> 00D50000000IZ3Z </OrganizationId>
  <Notification><Id>04l1</Id><sObject><sf:Id>a1</sf:Id></sObject></Notification>
  <Notification><Id>04l2</Id></Notification>
 </notifications></soapenv:Body></soapenv:Envelope>)";

Texts texts(std::string_view path, std::string_view document = kMessage, std::size_t most = 100) {
  const auto xml = Xml::parse(document);
  return xml ? xml->texts(path, most) : Texts{"error: " + xml.error().message};
}

TEST(Xml, finds_the_texts_of_elements) {
  EXPECT_EQ(texts("//OrganizationId"), Texts{"00D50000000IZ3Z"});
  EXPECT_EQ(texts("//Notification/Id"), (Texts{"04l1", "04l2"}));
  EXPECT_EQ(texts("//Notification/Id", kMessage, 1), Texts{"04l1"});
  EXPECT_EQ(texts("Envelope/Body/notifications/OrganizationId"), Texts{"00D50000000IZ3Z"});
  EXPECT_EQ(texts("Body/notifications/OrganizationId"), Texts{});
  EXPECT_EQ(texts("//Id"), (Texts{"04l1", "a1", "04l2"}));
  EXPECT_EQ(texts("//nothing"), Texts{});
  EXPECT_EQ(texts("//"), Texts{});
  EXPECT_EQ(texts(""), Texts{});
}

TEST(Xml, takes_text_and_cdata_without_what_is_in_other_elements) {
  EXPECT_EQ(texts("a", "<a>x<b>no</b>&amp;<![CDATA[<y>]]></a>"), Texts{"x&<y>"});
}

TEST(Xml, replaces_texts_however_they_are_written) {
  struct Case {
    std::string text;
    std::vector<std::string> paths;
    const char* replaced;
  };
  for (const Case& one :
       {Case{"<a><t>s&amp;x</t><b>s&amp;x</b></a>", {"a/t"}, "<a><t>***</t><b>s&amp;x</b></a>"},
        Case{"<a> <t>s<!-- c -->e<b>in</b>c</t></a>", {"//t"}, "<a> <t>***<!-- c -->***<b>in</b>***</t></a>"},
        Case{"<a><t><![CDATA[<s>]]></t></a>", {"//t"}, "<a><t><![CDATA[***]]></t></a>"},
        Case{"<a><t>1</t><x><t>2</t></x></a>", {"//x/t", "a/t"}, "<a><t>***</t><x><t>***</t></x></a>"},
        Case{"<n:a xmlns:n='u'><n:t>&#115;</n:t></n:a>", {"a/t"}, "<n:a xmlns:n='u'><n:t>***</n:t></n:a>"},
        Case{"\xEF\xBB\xBF<a><t>s</t></a>", {"a/t"}, "\xEF\xBB\xBF<a><t>***</t></a>"},
        Case{"<a><t>s</t></a>", {"a/other", ""}, "<a><t>s</t></a>"}}) {
    const auto xml = Xml::parse(one.text);
    ASSERT_TRUE(xml) << one.text;
    EXPECT_EQ(xml->with_texts_replaced(one.text, one.paths, "***"), one.replaced);
  }
  using namespace std::string_literals;
  const std::string wide = "\xFF\xFE<\0a\0>\0s\0<\0/\0a\0>\0"s;
  const std::string path = "a";
  EXPECT_EQ(Xml::parse(wide)->with_texts_replaced(wide, {&path, 1}, "***"), std::nullopt);
  const std::string latin = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xFCs</a>";
  EXPECT_EQ(Xml::parse(latin)->with_texts_replaced(latin, {&path, 1}, "***"), std::nullopt);
}

TEST(Xml, refuses_what_is_no_document) {
  for (const std::string_view bad : {"", "no", "<a>", "<a></b>", "<a", "{\"a\":1}"}) {
    const auto xml = Xml::parse(bad);
    EXPECT_TRUE(!xml || xml->texts("//a", 1).empty()) << bad;
  }
  EXPECT_FALSE(Xml::parse("<a></b>"));
}

TEST(Xml, refuses_a_doctype) {
  const auto xml =
      Xml::parse(R"(<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z SYSTEM "file:///etc/passwd">]><a>&z;</a>)");
  ASSERT_FALSE(xml);
  EXPECT_NE(xml.error().message.find("DOCTYPE"), std::string::npos);
}

TEST(Xml, refuses_elements_too_deep_in_each_other) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "<a>";
    for (std::size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  EXPECT_TRUE(Xml::parse(nested(190)));
  EXPECT_FALSE(Xml::parse(nested(300)));
  EXPECT_FALSE(Xml::parse(nested(500'000)));
}

}  // namespace

}  // namespace format
