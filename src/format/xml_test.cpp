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
