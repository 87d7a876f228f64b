#include "inbound/endpoint/book.hpp"

#include <gtest/gtest.h>

#include "testing/fake_clock.hpp"

namespace inbound {

namespace {

class Books : public ::testing::Test {
 protected:
  struct Said {
    std::string path{};
    std::string source = "shop";
    std::string scheme = R"("github")";
    std::int64_t version = 1;
  };
  EndpointPtr endpoint(Said said, EndpointId id = {}) {
    auto made = std::make_shared<Endpoint>();
    made->id = id.is_nil() ? EndpointId::make(clock.now()) : id;
    made->tenant = tenant;
    made->path = said.path;
    made->source = said.source;
    made->signature_scheme = said.scheme;
    made->paths.table = "json:table";
    made->routes = {{.table = "log*", .ignore = true}};
    made->version = said.version;
    made->secrets.push_back(
        tenant::make_signing_secret(base::Secret("a secret of " + said.path), clock.now()));
    return made;
  }

  ::testing::FakeClock clock;
  base::TenantId tenant = base::TenantId::make(clock.now());
  Meters meters;
  Book book{meters};
};

TEST_F(Books, share_what_endpoints_say_alike_and_nothing_else) {
  const EndpointPtr first = endpoint({.path = "first"});
  for (const EndpointPtr& one :
       {first, endpoint({.path = "second"}), endpoint({.path = "other-source", .source = "desk"}),
        endpoint({.path = "other-scheme", .scheme = R"("shopify")"})}) {
    book.put(one);
  }
  const auto at = [&](const char* path) { return book.find(tenant, path); };
  for (const char* path : {"first", "second", "other-source", "other-scheme"}) ASSERT_TRUE(at(path)) << path;
  EXPECT_EQ(at("first")->rules, at("second")->rules);
  EXPECT_EQ(at("first")->prepared_scheme, at("second")->prepared_scheme);
  EXPECT_NE(at("first")->keys.front().key.text(), at("second")->keys.front().key.text());
  EXPECT_EQ(at("other-source")->rules->said.source, "desk");
  EXPECT_EQ(at("other-source")->prepared_scheme, at("first")->prepared_scheme);
  EXPECT_EQ(at("other-scheme")->prepared_scheme->name, "shopify");
  EXPECT_EQ(at("other-scheme")->rules, at("first")->rules);

  book.put(endpoint({.path = "first", .source = "desk", .version = 2}, first->id));
  EXPECT_EQ(at("first")->rules, at("other-source")->rules);
  EXPECT_EQ(at("second")->rules->said.source, "shop") << "the others keep what they say";
}

TEST_F(Books, find_by_path_and_id_what_was_put_last) {
  const EndpointPtr first = endpoint({.path = "first", .version = 2});
  book.put(first);
  book.put(endpoint({.path = "moved", .version = 1}, first->id));
  EXPECT_TRUE(book.find(tenant, "first")) << "an older version came late";
  book.put(endpoint({.path = "moved", .version = 3}, first->id));
  EXPECT_FALSE(book.find(tenant, "first"));
  ASSERT_TRUE(book.find(tenant, "moved"));
  EXPECT_EQ(book.find(first->id), book.find(tenant, "moved"));
  EXPECT_FALSE(book.find(base::TenantId::make(clock.now()), "moved")) << "of another tenant";
  book.remove(first->id);
  EXPECT_FALSE(book.find(first->id));
  EXPECT_FALSE(book.find(tenant, "moved"));
}

TEST_F(Books, leave_a_path_to_whoever_took_it_over) {
  const EndpointPtr first = endpoint({.path = "path"});
  const EndpointPtr second = endpoint({.path = "path"});
  book.put(first);
  book.put(second);  // told before that the first one has moved away
  book.put(endpoint({.path = "moved", .version = 2}, first->id));
  EXPECT_EQ(book.find(tenant, "path"), book.find(second->id));
  EXPECT_EQ(book.find(tenant, "moved"), book.find(first->id));
  book.remove(first->id);
  EXPECT_EQ(book.find(tenant, "path"), book.find(second->id));
}

TEST_F(Books, take_what_was_read_for_all_but_for_what_came_since) {
  const EndpointPtr kept = endpoint({.path = "kept"});
  const EndpointPtr gone = endpoint({.path = "gone"});
  const EndpointPtr removed = endpoint({.path = "removed"});
  for (const EndpointPtr& one : {kept, gone, removed}) book.put(one);
  const auto began = base::steady_now();
  const EndpointPtr fresh = endpoint({.path = "fresh"});
  book.put(fresh);
  book.remove(removed->id);
  book.replace({kept, removed}, began);
  EXPECT_TRUE(book.find(kept->id));
  EXPECT_TRUE(book.find(fresh->id)) << "it was put after the read began";
  EXPECT_FALSE(book.find(gone->id));
  EXPECT_FALSE(book.find(removed->id)) << "it was removed after the read began";
}

}  // namespace

}  // namespace inbound
