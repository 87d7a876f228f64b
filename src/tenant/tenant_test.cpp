#include "tenant/tenant.hpp"

#include <gtest/gtest.h>

namespace tenant {

namespace {

const base::Time kNow = base::from_micros(1'800'000'000'000'000);

Tenant make_tenant(std::string slug) {
  return {.id = TenantId::make(kNow),
          .slug = std::move(slug),
          .name = "Acme Corp",
          .created = kNow,
          .updated = kNow};
}

TenantPtr share(Tenant tenant) { return std::make_shared<const Tenant>(std::move(tenant)); }

TEST(Slug, is_1_to_64_small_letters_digits_and_dashes) {
  for (const std::string& slug : {std::string("a"), std::string("acme"), std::string("acme-2"),
                                  std::string("42"), std::string("-"), std::string(64, 'z')}) {
    EXPECT_TRUE(check_slug(slug)) << slug;
  }
  for (const std::string& slug : {std::string(), std::string("Acme"), std::string("a_b"), std::string("a.b"),
                                  std::string("a b"), std::string("a/b"), std::string("é"),
                                  std::string("a\0", 2), std::string("a\n"), std::string(65, 'z')}) {
    const auto checked = check_slug(slug);
    ASSERT_FALSE(checked) << slug;
    EXPECT_EQ(checked.error().code, base::Code::invalid);
  }
}

TEST(Slug, is_never_an_id_because_it_would_stand_for_another_tenant) {
  EXPECT_FALSE(check_slug(TenantId::make(kNow).str()));
  EXPECT_TRUE(check_slug(TenantId::make(kNow).str() + "-x"));
}

TEST(TenantBook, finds_a_tenant_by_id_and_by_slug) {
  TenantBook book;
  const Tenant acme = make_tenant("acme");
  book.put(share(acme));
  book.put(share(make_tenant("other")));

  ASSERT_TRUE(book.find(acme.id));
  EXPECT_EQ(book.find(acme.id)->slug, "acme");
  EXPECT_EQ(book.find("acme"), book.find(acme.id));
  EXPECT_EQ(book.find(acme.id.str()), book.find(acme.id));
}

TEST(TenantBook, finds_nothing_for_what_it_does_not_know) {
  TenantBook book;
  book.put(share(make_tenant("acme")));

  EXPECT_FALSE(book.find(TenantId::make(kNow)));
  EXPECT_FALSE(book.find(TenantId::make(kNow).str()));
  EXPECT_FALSE(book.find("acm"));
  EXPECT_FALSE(book.find(""));
}

TEST(TenantBook, keeps_the_newest_version_in_whatever_order_they_come) {
  TenantBook book;
  Tenant tenant = make_tenant("acme");
  tenant.version = 2;
  tenant.name = "second";
  book.put(share(tenant));

  tenant.version = 1;
  tenant.name = "first";
  book.put(share(tenant));
  EXPECT_EQ(book.find("acme")->name, "second");

  tenant.version = 3;
  tenant.name = "third";
  book.put(share(tenant));
  EXPECT_EQ(book.find("acme")->name, "third");
}

TEST(TenantBook, forgets_one_that_is_gone_but_not_whoever_has_its_slug_now) {
  TenantBook book;
  const Tenant gone = make_tenant("acme");
  book.put(share(gone));
  const Tenant next = make_tenant("acme");
  book.put(share(next));

  book.remove(gone.id);
  book.remove(TenantId::make(kNow));

  EXPECT_FALSE(book.find(gone.id));
  ASSERT_TRUE(book.find("acme"));
  EXPECT_EQ(book.find("acme")->id, next.id);
  book.remove(next.id);
  EXPECT_FALSE(book.find("acme"));
}

}  // namespace

}  // namespace tenant
