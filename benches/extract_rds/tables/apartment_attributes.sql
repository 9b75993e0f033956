create table apartment_attributes (
    id bigint not null primary key,
    category varchar(100) not null,
    body mediumtext not null,
    amenities mediumtext null,
    bathrooms int not null,
    bedrooms int not null,
    fee decimal(10, 2) null,
    has_photo tinyint(1) not null,
    pets_allowed varchar(50) null,
    price_display varchar(50) not null,
    price_type varchar(50) null,
    square_feet int not null,
    address varchar(255) null,
    cityname varchar(100) not null,
    state varchar(50) not null,
    latitude double not null,
    longitude double not null
) character set utf8mb4;

-- body and amenities have about 1 kB together: sentences that repeat from listing to listing, with numbers that do not.
insert into apartment_attributes
select
    64500 + seq,
    elt(
        1 + crc32(seq * 7919) % 4,
        'housing/rent/apartment', 'housing/rent/apartment', 'housing/rent/short_term', 'housing/rent/home'
    ),
    concat_ws(
        ' ',
        elt(
            1 + crc32(seq * 104729) % 4,
            'Freshly painted rooms and a fully equipped kitchen with oven, hob and dishwasher.',
            'On the third floor, with a lift and a small balcony that gets the sun until late.',
            'A calm place to work or to rest, five minutes from shops, cafés and the market.',
            'Ground floor with its own entrance and a shared garden behind the house.'
        ),
        concat(
            'The living room has ', 12 + crc32(seq * 1299709) % 30, ' m² and the bedroom ',
            8 + crc32(seq * 15485863) % 14, ' m², both with wooden floors and double windows.'
        ),
        elt(
            1 + crc32(seq * 32452843) % 5,
            'Guests praise the hot shower and the quiet nights.',
            'The tram stops at the corner and takes you to the centre.',
            'Heating, water and electricity are included in the price.',
            'Parking on request in the yard or in the street.',
            'Self check-in at any hour with a code that we send you.'
        ),
        concat(
            'Built in ', 1890 + crc32(seq * 49979687) % 130, ' and renovated in ',
            2005 + crc32(seq * 67867967) % 18, '; the house has ', 2 + crc32(seq * 86028121) % 9, ' floors and ',
            4 + crc32(seq * 122949823) % 40, ' flats.'
        ),
        elt(
            1 + crc32(seq * 141650939) % 4,
            'Linen, towels and a first breakfast are waiting for you when you arrive.',
            'Fast internet by cable and wireless, a proper desk, a good lamp and a comfortable chair.',
            'A washing machine and a dryer are in the basement, free for all who live here.',
            'The owners live next door and help with whatever you need.'
        ),
        concat(
            'It takes ', 2 + crc32(seq * 160481183) % 20, ' minutes on foot to the station and ',
            10 + crc32(seq * 179424673) % 50, ' by car to the airport, which a bus reaches as well.'
        ),
        elt(
            1 + crc32(seq * 198491317) % 3,
            'Children are welcome, and a cot and a high chair can be had. Smoking is allowed on the balcony only.',
            'The beds were bought last year. We ask for quiet after ten in the evening, as the walls are thin.',
            'The flat is cleaned by professionals before each stay. Early arrival and late departure can be arranged.'
        ),
        elt(
            1 + crc32(seq * 694847533) % 4,
            'Around the corner are a bakery, a pharmacy and two playgrounds, and the river is ten minutes away on foot.',
            'The theatre, the museum and the old harbour can be reached on foot, and bicycles are for hire in the yard.',
            'There are three supermarkets, one of them open on Sundays, and a swimming pool with a sauna nearby.',
            'The forest begins behind the last house of the street, and a ski lift is half an hour away by car or by bus.'
        ),
        concat(
            'Minimum stay ', 1 + crc32(seq * 715225739) % 5, ' nights, at most ',
            1 + crc32(seq * 735632791) % 7, ' guests; a deposit of ',
            100 + crc32(seq * 756065159) % 900, ' is paid back within ',
            2 + crc32(seq * 776531401) % 12, ' days.'
        ),
        concat('Reference ', lower(hex(crc32(seq * 217645177))), '-', lower(hex(crc32(seq * 236887691))), '.')
    ),
    if(
        crc32(seq * 256203161) % 25 = 0,
        null,
        concat_ws(
            ',',
            if(crc32(seq * 275604541) % 3 > 0, 'AC,Ceiling Fan,Heating in every room', null),
            if(crc32(seq * 295075147) % 3 > 0, 'Dishwasher,Refrigerator,Microwave,Coffee Machine', null),
            if(crc32(seq * 314606869) % 2 = 0, 'Elevator,Gym,Pool,Sauna', null),
            if(crc32(seq * 334214459) % 4 > 0, 'Internet Access,Cable or Satellite,TV', null),
            if(crc32(seq * 353868013) % 2 = 0, 'Parking,Bicycle Storage,Patio/Deck,Garden', null),
            'Washer Dryer,Storage,Smoke Detector'
        )
    ),
    1 + crc32(seq * 373587883) % 3,
    crc32(seq * 393342739) % 5,
    if(crc32(seq * 413158511) % 3 = 0, null, crc32(seq * 433024223) % 13 * 10),
    crc32(seq * 452930459) % 14 > 0,
    elt(1 + crc32(seq * 472882027) % 5, null, null, 'None', 'Cats,Dogs', 'Cats'),
    concat(
        '€', 300 + crc32(seq * 492876847) % 4000, ' ',
        elt(1 + crc32(seq * 512927357) % 3, 'Monthly', 'Weekly', 'Nightly')
    ),
    if(crc32(seq * 533000389) % 80 = 0, null, elt(1 + crc32(seq * 512927357) % 3, 'Monthly', 'Weekly', 'Nightly')),
    330 + crc32(seq * 553105243) % 1400,
    if(
        crc32(seq * 573259391) % 12 = 0,
        null,
        concat(
            1 + crc32(seq * 593441843) % 399, ' ',
            elt(
                1 + crc32(seq * 613651349) % 6,
                'Oak St', 'Kastanienallee', 'rue des Lilas', 'Calle Mayor', 'Molenweg', 'MG Road'
            )
        )
    ),
    elt(1 + crc32(seq * 633910099) % 8, 'Austin', 'München', 'Chicago', 'Paris', 'Lisboa', 'Roma', 'Mumbai', 'Pune'),
    elt(1 + crc32(seq * 633910099) % 8, 'TX', 'BY', 'IL', 'IDF', 'LX', 'LAZ', 'MH', 'MH'),
    round(
        elt(1 + crc32(seq * 633910099) % 8, 30.2672, 48.1351, 41.8781, 48.8566, 38.7223, 41.9028, 19.0760, 18.5204)
        + crc32(seq * 654188383) % 900 / 10000,
        4
    ),
    round(
        elt(1 + crc32(seq * 633910099) % 8, -97.7431, 11.5820, -87.6298, 2.3522, -9.1393, 12.4964, 72.8777, 73.8567)
        + crc32(seq * 674506081) % 900 / 10000,
        4
    )
from seq_1_to_$rows;
