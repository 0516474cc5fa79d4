"""The worked example of the contract's chapter on schemas (16.5)."""

EXAMPLE = """\
######
type UserPoint @TreeIndexRoot(index:"USER_INDEX"){
  id: ID!
  creation_ts: Timestamp! @TreeIndex(index:"USER_INDEX")
  creation_date: Date! @Function(name:"ISODate", params:["creation_ts"]) @TreeIndex(index:"USER_INDEX")
  profiles: [UserProfile!]!
}
type UserProfile {
  # predefined
  id: ID!
  compartment_id: String! @TreeIndex(index:"USER_INDEX") @ReferenceTable(type:"CORE_OBJECT", model_type:"COMPARTMENTS")
  user_account_id: String @TreeIndex(index:"USER_INDEX")
  creation_ts: Timestamp! @TreeIndex(index:"USER_INDEX")
  last_modified_ts: Timestamp! @TreeIndex(index:"USER_INDEX")
  # custom
  first_name: String
  country: String! @TreeIndex(index:"USER_INDEX")
  bio: String @TreeIndex(index:"USER_INDEX", data_type:"text")
  opt_in: Boolean @TreeIndex(index:"USER_INDEX")
  points: Int @TreeIndex(index:"USER_INDEX")
  average_basket: Float
  lifetime_value: BigDecimal
  last_order_ts: Timestamp @TreeIndex(index:"USER_INDEX")
  last_order_date: Date @Function(name:"ISODate", params:["last_order_ts"])
  birth_date: Date @TreeIndex(index:"USER_INDEX")
  tier: LoyaltyTier @TreeIndex(index:"USER_INDEX")
  usual_device: FormFactor
  postcode: String @Property(path:"address.zip-code")
  phone: String @Property(paths:["mobile_phone", "home_phone"])
  expires_on_ts: Timestamp @Property(path:"$expiration_ts")
  address: PostalAddress
  cards: [LoyaltyCard!]
  interests: [String!] @TreeIndex(index:"USER_INDEX")
}
type PostalAddress { street:String city:String @TreeIndex(index:"USER_INDEX") }
type LoyaltyCard { number:String! issued_ts:Timestamp stores:[String!] }
enum LoyaltyTier { BRONZE SILVER GOLD }
"""
