CREATE TABLE placeholder_to_be_replaced (id UUID PRIMARY KEY);
